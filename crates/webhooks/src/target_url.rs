//! Where a delivery goes, and the rules that a URL has to keep.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use probity_kernel::FieldError;
use url::{Host, Url};

use crate::address::is_global;

/// The longest URL, in bytes.
pub const LONGEST_URL: usize = 2048;
/// The ports that a receiver outside may have.
const PORTS: [u16; 2] = [443, 8443];

/// A URL that kept the rules when it was read. It may hold a token of its receiver: it is shown to
/// administrators, and `Debug` shows the host alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TargetUrl(Url);

impl TargetUrl {
    /// Brings back a URL that kept the rules when it was stored; they are asked again at each delivery.
    ///
    /// # Errors
    /// [`url::ParseError`] when it is no URL.
    pub fn from_stored(text: &str) -> Result<Self, url::ParseError> {
        Url::parse(text).map(Self)
    }

    /// The URL.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host alone: what the record keeps.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TargetUrl({})", self.host())
    }
}

/// A host that may be private and be spoken to without TLS, because whoever runs the server says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdmittedHost {
    /// The name or the address, as a URL spells it, lower case, without brackets.
    host: String,
    /// The only port; any when absent.
    port: Option<u16>,
}

/// A text that names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedHost;

impl FromStr for AdmittedHost {
    type Err = MalformedHost;

    /// `host`, `host:port`, `address`, `[address]:port`.
    fn from_str(text: &str) -> Result<Self, MalformedHost> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            let host = address.to_string();
            return Ok(Self { host, port: None });
        }
        let url = Url::parse(&format!("http://{text}/")).map_err(|_| MalformedHost)?;
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains(['/', '?', '#', '@', '\\']);
        let host = url.host().filter(|_| plain).ok_or(MalformedHost)?;
        // `http://host:80` loses its port in the URL.
        let port = if text.ends_with(":80") {
            Some(80)
        } else {
            url.port()
        };
        Ok(Self {
            host: spelt(&host),
            port,
        })
    }
}

fn spelt(host: &Host<&str>) -> String {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

/// What a URL, and an address that its name leads to, are judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TargetRules {
    admitted: Vec<AdmittedHost>,
}

/// Why a URL or an address is refused. The text tells what is allowed and nothing about the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Longer than [`LONGEST_URL`], or with white space or control characters in it.
    Form,
    /// No URL at all.
    NotAUrl,
    /// Not `https`.
    Scheme,
    /// With a user name or a password.
    Credentials,
    /// With a fragment.
    Fragment,
    /// With a port other than 443 and 8443.
    Port,
    /// A host that is not, or does not lead to, a global address.
    Address,
}

impl Refusal {
    /// The stable code of the fault.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form | Self::NotAUrl => "invalid_url",
            Self::Scheme => "insecure_scheme",
            Self::Credentials => "credentials_in_url",
            Self::Fragment => "fragment_in_url",
            Self::Port => "forbidden_port",
            Self::Address => "forbidden_address",
        }
    }

    /// What is allowed.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Form => {
                "must be a URL of at most 2048 characters without white space or control characters"
            }
            Self::NotAUrl => "must be an absolute URL such as https://receiver.example/hook",
            Self::Scheme => "must begin with https://",
            Self::Credentials => "must not hold a user name or a password",
            Self::Fragment => "must not hold a fragment",
            Self::Port => "must use port 443 or 8443",
            Self::Address => {
                "must name a host whose addresses are all public; the setting `webhook-private-hosts` admits others"
            }
        }
    }
}

impl TargetRules {
    /// Rules that admit these hosts besides public ones.
    #[must_use]
    pub const fn new(admitted: Vec<AdmittedHost>) -> Self {
        Self { admitted }
    }

    /// Reads a URL. A name is judged by its form; the addresses it leads to by
    /// [`is_global`], each time it is resolved.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn parse(&self, text: &str) -> Result<TargetUrl, Refusal> {
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if text.len() > LONGEST_URL || text.contains(odd) {
            return Err(Refusal::Form);
        }
        let url = Url::parse(text).map_err(|_| Refusal::NotAUrl)?;
        self.check(&url)?;
        Ok(TargetUrl(url))
    }

    /// The same as a faulty field.
    ///
    /// # Errors
    /// A [`FieldError`] that names the field.
    pub fn parse_field(&self, field: &str, text: &str) -> Result<TargetUrl, FieldError> {
        self.parse(text)
            .map_err(|refusal| FieldError::new(field, refusal.code(), refusal.message()))
    }

    /// Judges a URL that is about to be called.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        let host = url.host().ok_or(Refusal::NotAUrl)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        if url.fragment().is_some() {
            return Err(Refusal::Fragment);
        }
        let port = url.port_or_known_default().ok_or(Refusal::Port)?;
        if self.is_admitted(&spelt(&host), port) {
            return Ok(());
        }
        if url.scheme() != "https" {
            return Err(Refusal::Scheme);
        }
        match host {
            Host::Ipv4(address) if !is_global(address.into()) => Err(Refusal::Address),
            Host::Ipv6(address) if !is_global(address.into()) => Err(Refusal::Address),
            Host::Domain(name) if !is_public_name(name) => Err(Refusal::Address),
            Host::Ipv4(_) | Host::Ipv6(_) | Host::Domain(_) if !PORTS.contains(&port) => {
                Err(Refusal::Port)
            }
            Host::Ipv4(_) | Host::Ipv6(_) | Host::Domain(_) => Ok(()),
        }
    }

    /// Whether the host and port of a URL are admitted, so that it may lead to any address.
    #[must_use]
    pub fn admits(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        url.host()
            .zip(port)
            .is_some_and(|(host, port)| self.is_admitted(&spelt(&host), port))
    }

    fn is_admitted(&self, host: &str, port: u16) -> bool {
        self.admitted
            .iter()
            .any(|known| known.host == host && known.port.is_none_or(|only| only == port))
    }
}

/// Whether a name can be one of the public domain name system: two labels at least, and none of the
/// endings that are set aside for machines and networks of one's own.
fn is_public_name(name: &str) -> bool {
    const PRIVATE: [&str; 9] = [
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "home.arpa",
        "onion",
        "test",
        "invalid",
    ];
    let name = name.trim_end_matches('.');
    let private = PRIVATE.iter().any(|ending| {
        name == *ending
            || name
                .strip_suffix(ending)
                .is_some_and(|rest| rest.ends_with('.'))
    });
    name.contains('.') && !private
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(text: &str) -> Result<String, Refusal> {
        TargetRules::default()
            .parse(text)
            .map(|url| url.as_str().to_owned())
    }

    #[test]
    fn spellings_of_private_hosts_are_seen_through() {
        for text in [
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1/",
            "https://127.0.0.1./",
            "https://１２７.０.０.１/",
            "https://127。0。0。1/",
            "https://0/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://localhost/",
            "https://localhost./",
            "https://LOCALHOST/",
            "https://ⓛocalhost/",
            "https://a.localhost/",
            "https://metadata/",
            "https://metadata.google.internal/",
            "https://router.lan/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://192.168.0.1/",
            "https://100.64.0.1/",
        ] {
            assert_eq!(strict(text), Err(Refusal::Address), "{text}");
        }
    }

    #[test]
    fn odd_urls_are_refused_for_their_reason() {
        for (text, refusal) in [
            ("", Refusal::NotAUrl),
            ("receiver.example/hook", Refusal::NotAUrl),
            ("https://", Refusal::NotAUrl),
            ("https://exa mple.com/", Refusal::Form),
            ("https://exa\nmple.com/", Refusal::Form),
            ("https://\t127.0.0.1/", Refusal::Form),
            (" https://receiver.example/", Refusal::Form),
            ("https://1.1.1.1 &@2.2.2.2# @3.3.3.3/", Refusal::Form),
            ("https://127.0.0.1:65536/", Refusal::NotAUrl),
            ("https://[fe80::1%25eth0]/", Refusal::NotAUrl),
            ("https://[fe80::1%eth0]/", Refusal::NotAUrl),
            ("https://xn--/", Refusal::NotAUrl),
            ("http://receiver.example/", Refusal::Scheme),
            ("ftp://receiver.example/", Refusal::Scheme),
            ("file:///etc/passwd", Refusal::Scheme),
            ("javascript:alert(1)", Refusal::Scheme),
            ("https://user@receiver.example/", Refusal::Credentials),
            ("https://:pass@receiver.example/", Refusal::Credentials),
            ("https://a@127.0.0.1:80@evil.example/", Refusal::Credentials),
            ("https://receiver.example/#part", Refusal::Fragment),
            ("https://evil.example#@127.0.0.1/", Refusal::Fragment),
            ("https://receiver.example:8080/", Refusal::Port),
            ("https://receiver.example:22/", Refusal::Port),
            ("https://8.8.8.8:80/", Refusal::Port),
        ] {
            assert_eq!(strict(text), Err(refusal), "{text}");
        }
        let long = format!("https://receiver.example/{}", "a".repeat(2048));
        assert_eq!(strict(&long), Err(Refusal::Form));
    }

    #[test]
    fn public_hosts_are_taken_as_the_parser_reads_them() {
        for (text, read) in [
            (
                "https://receiver.example/hook",
                "https://receiver.example/hook",
            ),
            (
                "https://receiver.example:8443/",
                "https://receiver.example:8443/",
            ),
            (
                "https://receiver.example?a=b",
                "https://receiver.example/?a=b",
            ),
            (
                "https://evil.example\\@127.0.0.1/",
                "https://evil.example/@127.0.0.1/",
            ),
            (
                "https://127.0.0.1%2eevil.example/",
                "https://127.0.0.1.evil.example/",
            ),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
            (
                "https://[2606:4700:4700::1111]/",
                "https://[2606:4700:4700::1111]/",
            ),
        ] {
            assert_eq!(strict(text).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn admitted_hosts_are_admitted_and_nothing_else() {
        let admitted = ["127.0.0.1:9000", "Receiver.lan", "[::1]:80", "10.0.0.7"];
        let admitted = admitted.map(|text| text.parse().unwrap());
        let rules = TargetRules::new(admitted.to_vec());
        for (text, taken) in [
            ("http://127.0.0.1:9000/hook", true),
            ("https://127.0.0.1:9000/hook", true),
            ("http://127.0.0.1:9001/hook", false),
            ("http://127.0.0.2:9000/hook", false),
            ("http://receiver.lan:1234/", true),
            ("http://receiver.lan./", true),
            ("http://other.lan/", false),
            ("http://[::1]/", true),
            ("http://[::1]:81/", false),
            ("https://10.0.0.7/", true),
            ("https://user@10.0.0.7/", false),
        ] {
            assert_eq!(rules.parse(text).is_ok(), taken, "{text}");
        }
        let admits = |text: &str| rules.admits(&Url::parse(text).unwrap());
        assert!(admits("https://receiver.lan/"));
        assert!(admits("http://127.0.0.1:9000/"));
        assert!(!admits("http://127.0.0.1:9001/"));
        assert!(!admits("https://receiver.example/"));
    }

    #[test]
    fn what_is_no_host_is_not_admitted() {
        for text in ["", "http://a/", "a/b", "a:b", "u@a", "a?b", "a b"] {
            assert_eq!(text.parse::<AdmittedHost>(), Err(MalformedHost), "{text}");
        }
    }

    #[test]
    fn debug_shows_the_host_alone() {
        let url = TargetRules::default().parse("https://hooks.example/T0/secret");
        assert_eq!(format!("{:?}", url.unwrap()), "TargetUrl(hooks.example)");
    }
}
