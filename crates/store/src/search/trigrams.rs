//! What SQLite's index of trigrams is asked for. It goes through the whole list of every trigram in a
//! question, and some are in every text of an organisation, so a search asks for those of its trigrams
//! that a sample of the texts has least. What the index finds is compared with the words in any case.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use probity_kernel::OrganizationId;

use super::index::Source;
use crate::connection::AnyConnection;
use crate::error::StoreResult;
use crate::record::position;
use crate::types::{AnyUuid, Id};

/// How many texts are looked at.
const SAMPLE: i64 = 128;
/// A trigram that at most one in so many texts of the sample has is rare.
const RARE: usize = 16;
/// How many trigrams of a search are weighed, and how many the index is asked for.
const WEIGHED: usize = 64;
const ASKED: usize = 4;

/// The question to the index of an organisation's texts. `None` when no word has three letters, and on
/// PostgreSQL, which has another index.
pub(crate) fn trigram_expression(
    conn: &mut AnyConnection,
    source: Source,
    (organization, no): (OrganizationId, i64),
    words: &[String],
) -> StoreResult<Option<String>> {
    let AnyConnection::Sqlite(conn) = conn else {
        return Ok(None);
    };
    let trigrams = trigrams(words);
    if trigrams.is_empty() {
        return Ok(None);
    }
    let sample = sample(conn, source, organization, no)?;
    let quoted: Vec<String> = rarest(trigrams, &sample)
        .iter()
        .map(|trigram| format!("\"{}\"", trigram.replace('"', "\"\"")))
        .collect();
    Ok(Some(quoted.join(" AND ")))
}

/// The trigrams of words, the longest words first.
fn trigrams(words: &[String]) -> Vec<String> {
    let mut words: Vec<Vec<char>> = words.iter().map(|word| word.chars().collect()).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let mut found = Vec::new();
    for three in words.iter().flat_map(|word| word.windows(3)) {
        let trigram: String = three.iter().collect();
        if !found.contains(&trigram) {
            found.push(trigram);
        }
    }
    found.truncate(WEIGHED);
    found
}

/// The trigrams to ask for: each time the one that leaves fewest texts of the sample, as long as it
/// leaves clearly fewer or is rare. The sample says little about rare ones together: they are asked for
/// one by one.
fn rarest(mut trigrams: Vec<String>, sample: &[String]) -> Vec<String> {
    let among = |texts: &[&String], trigram: &String| {
        let holding = texts.iter().filter(|text| text.contains(trigram.as_str()));
        holding.count()
    };
    let mut left: Vec<&String> = sample.iter().collect();
    let all = left.clone();
    let mut asked: Vec<String> = Vec::new();
    while asked.len() < ASKED {
        let weighed = trigrams.iter().enumerate();
        let weighed = weighed.map(|(at, one)| (among(&left, one), among(&all, one), at));
        let Some((kept, everywhere, at)) = weighed.min() else {
            break;
        };
        let narrows = kept * 4 < left.len() * 3;
        let rare = everywhere * RARE <= all.len();
        if !(narrows || rare || asked.is_empty()) {
            break;
        }
        let trigram = trigrams.swap_remove(at);
        left.retain(|text| text.contains(&trigram));
        asked.push(trigram);
    }
    asked
}

/// Texts of an organisation, spread over all that it has: one out of each of so many equal parts. Which one
/// follows no rhythm, as what was made in bulk does, but is always the same.
fn sample(
    conn: &mut SqliteConnection,
    source: Source,
    organization: OrganizationId,
    no: i64,
) -> StoreResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Ends {
        #[diesel(sql_type = Nullable<BigInt>)]
        first: Option<i64>,
        #[diesel(sql_type = Nullable<BigInt>)]
        last: Option<i64>,
    }
    #[derive(QueryableByName)]
    struct Sampled {
        #[diesel(sql_type = Text)]
        text: String,
    }
    let table = source.table();
    let end = |order: &str| {
        format!(
            "(SELECT position FROM {table} WHERE position BETWEEN $1 AND $2 \
             ORDER BY position {order} LIMIT 1)"
        )
    };
    let ends = format!("SELECT {} AS first, {} AS last", end("ASC"), end("DESC"));
    let ends: Vec<Ends> = diesel::sql_query(ends)
        .bind::<BigInt, _>(position(no, 0))
        .bind::<BigInt, _>(position(no + 1, 0) - 1)
        .load(conn)?;
    let Some((first, last)) = ends.first().and_then(|ends| ends.first.zip(ends.last)) else {
        return Ok(Vec::new());
    };
    let step = (last - first) / SAMPLE + 1;
    let places: Vec<i64> = (0..SAMPLE)
        .map(|number| first + number * step + scatter(number) % step)
        .collect();
    let texts: Vec<Sampled> = diesel::sql_query(format!(
        "SELECT search_text AS text FROM {table} \
         WHERE position IN (SELECT value FROM json_each($1)) AND organization_id = $2"
    ))
    .bind::<Text, _>(serde_json::json!(places).to_string())
    .bind::<AnyUuid, _>(Id(organization.uuid()))
    .load(conn)?;
    Ok(texts.into_iter().map(|sampled| sampled.text).collect())
}

/// A number without visible rhythm, never negative.
const fn scatter(number: i64) -> i64 {
    (number * 2_654_435_761) >> 7
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn asked(search: &str, sample: &[String]) -> Vec<String> {
        rarest(trigrams(&words(search)), sample)
    }

    #[test]
    fn shorter_words_have_no_trigrams() {
        assert_eq!(trigrams(&words("ab abcd x")), ["abc", "bcd"]);
        assert_eq!(trigrams(&words("aaaa")), ["aaa"]);
        assert_eq!(trigrams(&words("模型风险")), ["模型风", "型风险"]);
        assert!(trigrams(&words("ab x")).is_empty());
        let long = ('a'..='z').cycle().take(26).collect::<String>().repeat(9);
        assert!(trigrams(&[long]).len() <= WEIGHED);
    }

    #[test]
    fn the_trigrams_that_few_texts_have_are_asked_for() {
        let sample: Vec<String> = (0..64).map(|n| format!("model-{:05}", n * 977)).collect();
        let asked = asked("model-50123", &sample);
        assert_eq!(asked.len(), ASKED);
        for trigram in ["mod", "ode", "del", "el-"] {
            assert!(!asked.iter().any(|one| one == trigram), "{asked:?}");
        }
    }

    #[test]
    fn what_narrows_nothing_is_not_asked_for() {
        let sample: Vec<String> = (0..64)
            .map(|n| {
                format!(
                    "{} {}",
                    ["mortgage", "credit"][n % 2],
                    ["eu", "usa"][n / 2 % 2]
                )
            })
            .collect();
        assert_eq!(asked("mortgage", &sample).len(), 1, "they come together");
        assert_eq!(asked("mortgage usa", &sample).len(), 2, "these do not");
        assert_eq!(asked("mortgage", &[]).len(), ASKED, "nothing is known");
    }
}
