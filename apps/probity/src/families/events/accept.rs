//! In which form events are wanted.

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

/// The first of the offered media types that the request's `Accept` likes best; the first of all
/// where it likes none or does not say. Types are offered in lower case.
pub(super) fn preferred<'a>(request: &HttpRequest, offered: &[&'a str]) -> Option<&'a str> {
    let values = request.headers().get_all(ACCEPT);
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    choose(&texts.join(","), offered)
}

fn choose<'a>(accept: &str, offered: &[&'a str]) -> Option<&'a str> {
    let ranges: Vec<(String, u16)> = accept.split(',').filter_map(range).collect();
    let mut best: Option<(&str, u16)> = None;
    for one in offered {
        let quality = quality_of(one, &ranges);
        if quality > best.map_or(0, |(_, quality)| quality) {
            best = Some((one, quality));
        }
    }
    best.map(|(one, _)| one).or(offered.first().copied())
}

/// A media range and its quality in thousandths.
fn range(text: &str) -> Option<(String, u16)> {
    let mut parts = text.split(';');
    let media = parts.next()?.trim().to_ascii_lowercase();
    if media.is_empty() {
        return None;
    }
    let given = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value)
    });
    let quality = given.map_or(Some(1000), |text| thousandths(text.trim()));
    Some((media, quality?))
}

/// A quality value (RFC 9110): 0 to 1 with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals) {
        ("0", decimals) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

/// The quality of a type by the most specific range that takes it.
fn quality_of(media: &str, ranges: &[(String, u16)]) -> u16 {
    let kind = media.split('/').next().unwrap_or_default();
    let whole_kind = format!("{kind}/*");
    let of = |wanted: &str| {
        let found = ranges.iter().find(|(range, _)| range == wanted);
        found.map(|(_, quality)| *quality)
    };
    of(media)
        .or_else(|| of(&whole_kind))
        .or_else(|| of("*/*"))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_type_is_chosen_and_the_first_without_a_wish() {
        const JSON: &str = "application/json";
        const EVENTS: &str = "application/cloudevents-batch+json";
        for (accept, chosen) in [
            ("", JSON),
            ("*/*", JSON),
            ("application/*", JSON),
            ("text/html", JSON),
            ("application/json", JSON),
            (EVENTS, EVENTS),
            ("Application/CloudEvents-Batch+JSON; charset=utf-8", EVENTS),
            (
                "application/json;q=0.5, application/cloudevents-batch+json;q=0.9",
                EVENTS,
            ),
            ("application/cloudevents-batch+json;q=0.4, */*;q=0.5", JSON),
            ("application/cloudevents-batch+json;q=0", JSON),
            ("application/cloudevents-batch+json;q=2", JSON),
            ("application/cloudevents-batch+json;q=0.12345", JSON),
            (";;,,q=1;", JSON),
        ] {
            assert_eq!(choose(accept, &[JSON, EVENTS]), Some(chosen), "{accept}");
        }
    }
}
