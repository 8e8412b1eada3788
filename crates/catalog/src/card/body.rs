//! The body of a card: a title, what stands below it, and sections under headings of level 1 and 2.

use std::ops::Range;

use pulldown_cmark::{Event, HeadingLevel, Parser, Tag};

/// A body taken apart. Texts are as they were written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body<'a> {
    /// What stands before the first heading.
    pub(super) before: &'a str,
    /// The first heading of level 1.
    pub(super) title: Option<String>,
    /// What stands between the title and the next heading.
    pub(super) intro: &'a str,
    /// The other headings of level 1 and 2, each with what stands below it.
    pub(super) sections: Vec<(String, &'a str)>,
}

/// Takes a body apart.
pub(super) fn split(text: &str) -> Body<'_> {
    let found = headings(text);
    let mut body = Body::default();
    let first = found.first().map_or(text.len(), |(_, range)| range.start);
    body.before = text.get(..first).unwrap_or_default();
    for (at, (level, range)) in found.iter().enumerate() {
        let end = found.get(at + 1).map_or(text.len(), |(_, next)| next.start);
        let heading = words(text.get(range.clone()).unwrap_or_default());
        let below = text.get(range.end..end).unwrap_or_default();
        if *level == HeadingLevel::H1 && body.title.is_none() {
            body.title = Some(heading);
            body.intro = below;
        } else {
            body.sections.push((heading, below));
        }
    }
    body
}

/// The headings of level 1 and 2 that stand by themselves, not inside a quotation, a list or code.
fn headings(text: &str) -> Vec<(HeadingLevel, Range<usize>)> {
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    for (event, range) in Parser::new(text).into_offset_iter() {
        if let Event::Start(tag) = event {
            if let (0, Tag::Heading { level, .. }) = (depth, tag)
                && level <= HeadingLevel::H2
            {
                found.push((level, range));
            }
            depth += 1;
        } else if let Event::End(_) = event {
            depth = depth.saturating_sub(1);
        }
    }
    found
}

/// The text of a heading without its marks.
fn words(raw: &str) -> String {
    let raw = raw.trim();
    let Some(rest) = raw.strip_prefix('#') else {
        // The last line underlines the heading.
        let above = raw.rsplit_once('\n').map_or(raw, |(above, _)| above);
        return above.split_whitespace().collect::<Vec<_>>().join(" ");
    };
    let rest = rest.trim_start_matches('#').trim();
    let open = rest.trim_end_matches('#');
    // Marks at the end close the heading when they stand apart.
    if open.is_empty() || open.ends_with([' ', '\t']) {
        open.trim_end().to_owned()
    } else {
        rest.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_those_that_a_reader_sees() {
        let text = "badge\n\n# The *Model* #\n\nIntro.\n\n## Uses\n\n```python\n# not a heading\n## nor this\n```\n\n\
                    ### Direct Use\n\nx\n\n> # quoted\n\n- # in a list\n\nLimits\n------\n\nNone.\n\n# C#\n";
        let body = split(text);
        assert_eq!(body.before.trim(), "badge");
        assert_eq!(body.title.as_deref(), Some("The *Model*"));
        assert_eq!(body.intro.trim(), "Intro.");
        let names: Vec<&str> = body
            .sections
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["Uses", "Limits", "C#"]);
        assert!(body.sections[0].1.contains("### Direct Use"));
        assert!(body.sections[0].1.contains("## nor this"));
        assert_eq!(body.sections[1].1.trim(), "None.");
    }
}
