use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Answers of a name server, one after the other; the last one for good.
struct Scripted {
    answers: Vec<Vec<&'static str>>,
    asked: AtomicUsize,
}

impl Lookup for Scripted {
    fn addresses(&self, _: &str) -> Found {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers.get(asked).or(self.answers.last());
        let answer = answer.cloned().unwrap_or_default();
        Box::pin(async move { Ok(answer.iter().map(|text| text.parse().unwrap()).collect()) })
    }
}

fn client(hosts: &str, answers: Vec<Vec<&'static str>>) -> CourierClient {
    let admitted = hosts
        .split_ascii_whitespace()
        .map(|host| host.parse().unwrap());
    let settings = WebhookSettings {
        key_file: None,
        rules: TargetRules::new(admitted.collect()),
        timeout: Duration::from_secs(5),
        retention_days: 30,
    };
    let asked = AtomicUsize::new(0);
    CourierClient::with_lookup(&settings, Arc::new(Scripted { answers, asked })).unwrap()
}

fn post(url: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        url: url.parse().unwrap(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: b"{}".to_vec(),
    }
}

/// A server that counts connections and answers each with the same bytes.
async fn server(answer: Vec<u8>) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (
        listener.local_addr().unwrap(),
        Arc::new(AtomicUsize::new(0)),
    );
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(&answer).await;
                tokio::time::sleep(Duration::from_secs(30)).await;
            });
        }
    });
    (address, count)
}

#[tokio::test]
async fn names_that_lead_to_any_private_address_are_not_called() {
    for answer in [
        vec!["127.0.0.1"],
        vec!["10.0.0.1"],
        vec!["169.254.169.254"],
        vec!["::1"],
        vec!["::ffff:127.0.0.1"],
        vec!["64:ff9b::7f00:1"],
        vec!["fd00::1"],
        vec!["8.8.8.8", "127.0.0.1"],
        vec![],
    ] {
        let client = client("", vec![answer.clone()]);
        let url = "https://receiver.example/hook";
        assert_eq!(
            client.send(post(url)).await,
            Err(Failed::Blocked),
            "{answer:?}"
        );
        let refused = client.probe(&url.parse().unwrap()).await.is_err();
        assert_eq!(refused, !answer.is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_reaches_nothing() {
    let (address, connections) = server(Vec::new()).await;
    let rebinding = vec![vec!["93.184.215.14"], vec!["127.0.0.1"]];
    let client = client("", rebinding);
    let url: Url = "https://receiver.example:8443/".parse().unwrap();
    assert_eq!(client.probe(&url).await, Ok(()));
    for _ in 0..3 {
        assert_eq!(client.send(post(url.as_str())).await, Err(Failed::Blocked));
    }
    let direct = format!("https://127.0.0.1:{}/", address.port());
    assert_eq!(client.send(post(&direct)).await, Err(Failed::Blocked));
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_admitted_host_is_called_and_redirects_are_not_followed() {
    let (inner, reached) = server(Vec::new()).await;
    let head =
        format!("HTTP/1.1 302 Found\r\nlocation: http://{inner}/\r\ncontent-length: 0\r\n\r\n");
    let (address, _) = server(head.into_bytes()).await;
    let client = client(&format!("{address} {inner}"), Vec::new());
    let answer = client
        .send(post(&format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(answer.status, 302);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off_and_its_status_counts() {
    let mut answer = b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 1_000_000, b'x');
    let (address, _) = server(answer).await;
    let client = client(&address.to_string(), Vec::new());
    let answer = client
        .send(post(&format!("http://{address}/")))
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.len(), LARGEST_ANSWER);
}

#[tokio::test]
async fn what_is_no_http_is_a_broken_connection() {
    for answer in [&b""[..], b"\x16\x03\x01garbage", b"HTTP/1.1 abc\r\n\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let _ = socket.write_all(answer).await;
            }
        });
        let client = client(&address.to_string(), Vec::new());
        let failed = client.send(post(&format!("http://{address}/"))).await;
        assert_eq!(failed, Err(Failed::Broken), "{answer:?}");
    }
    let client = client("127.0.0.1:1", Vec::new());
    let failed = client.send(post("http://127.0.0.1:1/")).await;
    assert_eq!(failed, Err(Failed::Connect));
}
