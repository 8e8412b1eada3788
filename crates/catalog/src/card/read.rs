//! A model card as the row of an import.

use std::collections::BTreeMap;

use probity_kernel::Patch;
use probity_kernel::text::pointer_token;
use serde_json::{Map, Value};

use super::body::{self, Body};
use super::sections::{Place, place};
use super::{tasks, yaml};
use crate::import::{COLUMNS, ImportError, ImportRow, RowError, Source, put_value};
use crate::new_product::ProductInput;

/// The most bytes of a front matter.
pub const LARGEST_FRONT_MATTER: usize = 1 << 20;
/// The key of the front matter that holds fields of a product for which cards have no key.
pub(super) const OWN: &str = "probity";
/// What templates of cards put where nothing was written.
const NOTHING: &str = "[More Information Needed]";
/// What stands below the title and is longer than this is a long description.
const LONGEST_INTRO: usize = 2000;

/// A card, read.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCard {
    /// The product that it describes, as row 1 of an import.
    pub row: ImportRow,
    /// The headings whose text no field takes, in their order.
    pub left_out: Vec<String>,
}

/// Reads a card.
///
/// # Errors
/// [`ImportError::Rows`] with every key that is wrong: `malformed`, `too_large`, `wrong_type`,
/// `unknown_key`, and what the fields of an import are refused for.
pub fn read(bytes: &[u8]) -> Result<ModelCard, ImportError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_fault| whole("malformed", "the card must be UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n");
    let (front, markdown) = halves(&text)?;
    if front.len() > LARGEST_FRONT_MATTER {
        return Err(whole("too_large", "the front matter must be at most 1 MiB"));
    }
    let mut card = Card::default();
    match yaml::read(front) {
        Ok(members) => card.take_front(members),
        Err(fault) => {
            let message = format!("the front matter cannot be read, {fault}");
            return Err(whole("malformed", &message));
        }
    }
    card.take_body(&body::split(markdown));
    if !card.faults.is_empty() {
        return Err(ImportError::Rows(card.faults));
    }
    Ok(ModelCard {
        row: ImportRow {
            row: 1,
            input: card.input,
            source: Source::Card,
        },
        left_out: card.left_out,
    })
}

fn whole(code: &'static str, message: &str) -> ImportError {
    ImportError::Rows(vec![RowError::new(1, "", code, message)])
}

/// The front matter, if there is one, and what follows it.
fn halves(text: &str) -> Result<(&str, &str), ImportError> {
    let Some(rest) = text.strip_prefix("---\n") else {
        return Ok(("", text));
    };
    if let Some(after) = rest.strip_prefix("---\n") {
        return Ok(("", after));
    }
    if let Some((front, after)) = rest.split_once("\n---\n") {
        return Ok((front, after));
    }
    let front = rest.strip_suffix("\n---");
    let message = "the front matter is opened by `---` and never closed";
    front
        .map(|front| (front, ""))
        .ok_or_else(|| whole("malformed", message))
}

#[derive(Default)]
struct Card {
    input: ProductInput,
    documentation: BTreeMap<String, Option<String>>,
    faults: Vec<RowError>,
    left_out: Vec<String>,
    /// What the results of its evaluations call the model.
    indexed_name: Option<String>,
}

impl Card {
    fn fault(&mut self, keys: &[&str], code: &'static str, message: impl Into<String>) {
        let mut field = String::new();
        for key in keys {
            let shown: String = key.chars().take(100).collect();
            field.push('/');
            field.push_str(&pointer_token(&shown));
        }
        self.faults.push(RowError::new(1, field, code, message));
    }

    fn take_front(&mut self, mut members: Map<String, Value>) {
        members.retain(|_key, value| !value.is_null());
        match members.remove(OWN) {
            None => {}
            Some(Value::Object(own)) => self.take_own(own),
            Some(_) => self.fault(&[OWN], "wrong_type", "must be a mapping"),
        }
        if self.input.framework.is_none()
            && let Some(Value::String(library)) = members.get("library_name")
        {
            self.input.framework = Some(library.clone());
            members.remove("library_name");
        }
        if let Some(tag) = members.get("pipeline_tag").and_then(Value::as_str) {
            let (task, family) = tasks::of_pipeline(tag);
            let (input, task) = (&mut self.input, task.as_str().to_owned());
            input.model_task_type.get_or_insert(task);
            if let (None, Some(family)) = (&input.model_family, family) {
                input.model_family = Some(family.as_str().to_owned());
            }
        }
        self.indexed_name = indexed_name(&members);
        if !members.is_empty() {
            self.input.dossier.model_card = Patch::Value(Value::Object(members));
        }
    }

    fn take_own(&mut self, own: Map<String, Value>) {
        for (key, value) in own {
            if !COLUMNS.contains(&key.as_str()) {
                let message = format!("is no field; the fields are {}", COLUMNS.join(", "));
                self.fault(&[OWN, &key], "unknown_key", message);
            } else if let Err((code, message)) = put_value(&mut self.input, &key, value) {
                self.fault(&[OWN, &key], code, message);
            }
        }
        if let Patch::Value(sections) =
            std::mem::take(&mut self.input.dossier.technical_documentation)
        {
            self.documentation = sections;
        }
    }

    /// Sections fill the fields that the front matter does not give.
    fn take_body(&mut self, body: &Body<'_>) {
        if says(body.before).is_some() && body.title.is_some() {
            self.left_out.push("(before the title)".to_owned());
        }
        let given = self.given();
        if let Some(title) = &body.title
            && !given.contains("name")
            && let Some(name) = named(title)
        {
            self.input.name = Some(name.to_owned());
        }
        let intro = if body.title.is_some() {
            body.intro
        } else {
            body.before
        };
        if let Some(intro) = says(intro)
            && !given.contains("description")
        {
            if intro.chars().count() > LONGEST_INTRO {
                put(&mut self.input.long_description, "", intro);
            } else {
                self.input.description = Some(intro.to_owned());
            }
        }
        for (heading, text) in &body.sections {
            match (place(heading), says(text)) {
                (_, None) => {}
                (None, Some(_)) => self.left_out.push(heading.clone()),
                (Some(place), Some(text)) => self.put_section(&given, place, heading, text),
            }
        }
        if self.input.name.is_none() {
            self.input.name = self.indexed_name.take();
        }
        if !self.documentation.is_empty() {
            let sections = std::mem::take(&mut self.documentation);
            self.input.dossier.technical_documentation = Patch::Value(sections);
        }
    }

    /// What the front matter gives already: fields, and sections of the documentation.
    fn given(&self) -> Given {
        let input = &self.input;
        let mut names: Vec<String> = self.documentation.keys().cloned().collect();
        for (name, is_given) in [
            ("name", input.name.is_some()),
            ("description", input.description.is_some()),
            ("long_description", input.long_description.is_some()),
            ("business_use_case", input.business_use_case.is_some()),
            ("intended_use", input.intended_use.is_some()),
            ("limitations", input.limitations.is_some()),
            (
                "monitoring_plan",
                input.dossier.monitoring_plan != Patch::Absent,
            ),
        ] {
            if is_given {
                names.push(name.to_owned());
            }
        }
        Given(names)
    }

    fn put_section(&mut self, given: &Given, place: Place, heading: &str, text: &str) {
        match place {
            Place::Documentation(section) => {
                if !given.contains(section.as_str()) {
                    let held = self.documentation.entry(section.as_str().to_owned());
                    put(held.or_default(), heading, text);
                }
            }
            Place::Column("monitoring_plan") => {
                if !given.contains("monitoring_plan") {
                    let plan = &mut self.input.dossier.monitoring_plan;
                    let mut held = std::mem::take(plan).over(None);
                    put(&mut held, heading, text);
                    *plan = held.map_or(Patch::Absent, Patch::Value);
                }
            }
            Place::Column(name) => {
                let field = match name {
                    "long_description" => &mut self.input.long_description,
                    "business_use_case" => &mut self.input.business_use_case,
                    "intended_use" => &mut self.input.intended_use,
                    _ => &mut self.input.limitations,
                };
                if !given.contains(name) {
                    put(field, heading, text);
                }
            }
        }
    }
}

struct Given(Vec<String>);

impl Given {
    fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|given| given == name)
    }
}

/// A second section of one field goes below the first, under its own heading.
fn put(held: &mut Option<String>, heading: &str, text: &str) {
    match held {
        None => *held = Some(text.to_owned()),
        Some(above) if heading.is_empty() => *above = format!("{above}\n\n{text}"),
        Some(above) => *above = format!("{above}\n\n### {heading}\n\n{text}"),
    }
}

/// The text without white space around it, unless it says nothing.
pub(super) fn says(text: &str) -> Option<&str> {
    let speaks = |line: &str| {
        let line = line.trim();
        let is_comment = line.starts_with("<!--") && line.ends_with("-->");
        !(line.is_empty() || line.starts_with('#') || line.contains(NOTHING) || is_comment)
    };
    let text = text.trim();
    text.lines().any(speaks).then_some(text)
}

/// The name in a title.
pub(super) fn named(title: &str) -> Option<&str> {
    let bare = ["Model Card for ", "Model card for ", "Model Card: "]
        .iter()
        .find_map(|lead| title.strip_prefix(lead))
        .unwrap_or(title)
        .trim();
    (!bare.is_empty()).then_some(bare)
}

fn indexed_name(members: &Map<String, Value>) -> Option<String> {
    let index = members.get("model-index")?.as_array()?.first()?;
    Some(index.get("name")?.as_str()?.to_owned())
}
