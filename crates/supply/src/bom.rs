//! CycloneDX 1.7: the bill of materials of a model.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use uuid::{Builder, Uuid};

use crate::licence;

/// What a bill of materials is about. Texts are as they are kept; an absent one is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bom {
    /// The id of the product; it is the reference of the main component.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether the product is a model itself, and not an application around one.
    pub is_model: bool,
    /// The number of its current version.
    pub version: Option<String>,
    /// A short summary.
    pub description: Option<String>,
    /// Who supplies it.
    pub supplier: Option<String>,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Licences, as the model card gives them.
    pub licences: Vec<String>,
    /// Where a licence that has no identifier can be read.
    pub licence_link: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Where it answers.
    pub serving_url: Option<String>,
    /// What the model does.
    pub task: Option<String>,
    /// Its family.
    pub family: Option<String>,
    /// Its architecture.
    pub architecture: Option<String>,
    /// Whether the schemas of input and output are declared.
    pub has_schemas: (bool, bool),
    /// What it is meant for.
    pub use_cases: Vec<String>,
    /// Its known limits.
    pub limitations: Vec<String>,
    /// Risks and what is done about them.
    pub risks: Vec<Risk>,
    /// Results of evaluations.
    pub results: Vec<EvaluationResult>,
    /// Facts without a place of their own, by name.
    pub properties: Vec<(String, String)>,
    /// Files.
    pub files: Vec<ModelFile>,
    /// Data that it is made from or fed with.
    pub data: Vec<DataSource>,
    /// The models that it was made from, by name.
    pub bases: Vec<String>,
    /// Entries of the model inventory that it uses.
    pub models: Vec<UsedModel>,
}

/// A risk and what is done about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Risk {
    /// What it is.
    pub name: String,
    /// What is done.
    pub mitigation: Option<String>,
}

/// A result of an evaluation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvaluationResult {
    /// The metric.
    pub metric: String,
    /// Its value as text.
    pub value: String,
    /// What it was measured on.
    pub slice: Option<String>,
}

/// A file of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFile {
    /// The id of the artifact.
    pub id: Uuid,
    /// Its file name.
    pub name: String,
    /// Its label of version.
    pub version: Option<String>,
    /// Its media type.
    pub media_type: String,
    /// SHA-256 of its bytes in lower-case hex.
    pub sha256: String,
    /// Facts by name.
    pub properties: Vec<(String, String)>,
}

/// Data that the model depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSource {
    /// What refers to it inside the document.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Its label of version.
    pub version: Option<String>,
    /// What it holds.
    pub description: Option<String>,
    /// Where it is.
    pub uri: Option<String>,
    /// Whether it is a data set, and not a stream, a service or anything else.
    pub is_dataset: bool,
}

/// An entry of the model inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsedModel {
    /// Its id.
    pub id: Uuid,
    /// How requests name it.
    pub model_id: String,
    /// Its name.
    pub name: String,
    /// Who provides it.
    pub provider: String,
    /// Facts by name.
    pub properties: Vec<(String, String)>,
}

impl Bom {
    /// The document. Its serial number follows from its content: the same facts have the same one
    /// at any time.
    #[must_use]
    pub fn document(&self, made_at: OffsetDateTime, tool_version: &str) -> Value {
        let content = json!({
            "metadata": {"component": self.main()},
            "components": self.components(),
            "dependencies": self.dependencies(),
        });
        let at = made_at.to_offset(UtcOffset::UTC).format(&Rfc3339).ok();
        let mut document = json!({
            "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.7",
            "serialNumber": serial(&content),
            "version": 1,
        });
        if let (Some(document), Value::Object(content)) = (document.as_object_mut(), content) {
            document.extend(content);
        }
        if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("timestamp".to_owned(), json!(at));
            let tool = json!({"type": "application", "name": "Probity", "version": tool_version});
            metadata.insert("tools".to_owned(), json!({"components": [tool]}));
        }
        document
    }

    fn reference(&self) -> String {
        format!("product:{}", self.id)
    }

    /// The reference of the component that has the model card.
    fn model_reference(&self) -> String {
        if self.is_model {
            self.reference()
        } else {
            format!("product:{}/model", self.id)
        }
    }

    fn main(&self) -> Value {
        let kind = if self.is_model {
            "machine-learning-model"
        } else {
            "application"
        };
        let mut component = Object::new(kind, &self.name);
        component.put("bom-ref", self.reference());
        component.maybe("version", self.version.as_deref());
        component.maybe("description", self.description.as_deref());
        if let Some(supplier) = &self.supplier {
            component.put("supplier", json!({"name": supplier}));
        }
        component.list("licenses", self.licenses());
        component.list("tags", self.tags.iter().map(|tag| json!(tag)).collect());
        let links = [
            (
                "other",
                self.serving_url.as_deref().filter(|url| is_reference(url)),
                "Where the model answers",
            ),
            ("license", self.terms(), "Terms of use"),
        ];
        let links = links.into_iter().filter_map(|(kind, url, comment)| {
            url.map(|url| json!({"type": kind, "url": url, "comment": comment}))
        });
        component.list("externalReferences", links.collect());
        let mut facts = self.properties.clone();
        if let Some(owner) = &self.owner {
            facts.push(("owner".to_owned(), owner.clone()));
        }
        component.list("properties", properties(&facts));
        if self.is_model {
            self.describe(&mut component);
        }
        component.done()
    }

    /// Adds what only a model has.
    fn describe(&self, component: &mut Object) {
        component.put("modelCard", self.card());
        let ancestors = self
            .bases
            .iter()
            .map(|name| Object::new("machine-learning-model", name).done());
        let ancestors: Vec<Value> = ancestors.collect();
        if !ancestors.is_empty() {
            component.put("pedigree", json!({"ancestors": ancestors}));
        }
    }

    /// Where the licence can be read, if that is an address.
    fn terms(&self) -> Option<&str> {
        self.licence_link.as_deref().filter(|url| is_reference(url))
    }

    fn licenses(&self) -> Vec<Value> {
        let link = self.terms();
        let each = self.licences.iter();
        each.map(|given| licence::entry(given, link)).collect()
    }

    fn card(&self) -> Value {
        let mut parameters = Object::default();
        parameters.maybe("task", self.task.as_deref());
        parameters.maybe("architectureFamily", self.family.as_deref());
        parameters.maybe("modelArchitecture", self.architecture.as_deref());
        let datasets = self.data.iter().filter(|data| data.is_dataset);
        parameters.list(
            "datasets",
            datasets
                .map(|data| json!({"ref": data.reference}))
                .collect(),
        );
        let format = |declared: bool| {
            declared
                .then(|| json!({"format": "application/json"}))
                .into_iter()
                .collect()
        };
        parameters.list("inputs", format(self.has_schemas.0));
        parameters.list("outputs", format(self.has_schemas.1));

        let mut considerations = Object::default();
        let texts = |texts: &[String]| texts.iter().map(|text| json!(text)).collect();
        considerations.list("useCases", texts(&self.use_cases));
        considerations.list("technicalLimitations", texts(&self.limitations));
        let risks = self.risks.iter().map(|risk| {
            let mut entry = Object::default();
            entry.put("name", risk.name.as_str());
            entry.maybe("mitigationStrategy", risk.mitigation.as_deref());
            entry.done()
        });
        considerations.list("ethicalConsiderations", risks.collect());

        let results = self.results.iter().map(|result| {
            let mut entry = Object::default();
            entry.put("type", result.metric.as_str());
            entry.put("value", result.value.as_str());
            entry.maybe("slice", result.slice.as_deref());
            entry.done()
        });
        let mut analysis = Object::default();
        analysis.list("performanceMetrics", results.collect());

        let mut card = Object::default();
        card.part("modelParameters", parameters);
        card.part("quantitativeAnalysis", analysis);
        card.part("considerations", considerations);
        card.done()
    }

    fn components(&self) -> Vec<Value> {
        let mut components = Vec::new();
        if !self.is_model {
            let mut model = Object::new("machine-learning-model", &self.name);
            model.put("bom-ref", self.model_reference());
            self.describe(&mut model);
            components.push(model.done());
        }
        components.extend(self.files.iter().map(ModelFile::component));
        components.extend(self.data.iter().map(DataSource::component));
        components.extend(self.models.iter().map(UsedModel::component));
        components
    }

    fn dependencies(&self) -> Vec<Value> {
        let files = self.files.iter().map(ModelFile::reference);
        let data = self.data.iter().map(|data| data.reference.clone());
        let mut of_model: Vec<String> = files.chain(data).collect();
        let models = self.models.iter().map(UsedModel::reference);
        if self.is_model {
            of_model.extend(models);
            return vec![json!({"ref": self.reference(), "dependsOn": of_model})];
        }
        let mut of_product = vec![self.model_reference()];
        of_product.extend(models);
        vec![
            json!({"ref": self.reference(), "dependsOn": of_product}),
            json!({"ref": self.model_reference(), "dependsOn": of_model}),
        ]
    }
}

impl ModelFile {
    fn reference(&self) -> String {
        format!("artifact:{}", self.id)
    }

    fn component(&self) -> Value {
        let mut component = Object::new("file", &self.name);
        component.put("bom-ref", self.reference());
        component.maybe("version", self.version.as_deref());
        // The format wants a plain type, without parameters.
        let media = self.media_type.split(';').next().unwrap_or_default().trim();
        if is_media_type(media) {
            component.put("mime-type", media);
        }
        component.put(
            "hashes",
            json!([{"alg": "SHA-256", "content": self.sha256}]),
        );
        component.list("properties", properties(&self.properties));
        component.done()
    }
}

/// As the schema has it: `^[-+a-z0-9.]+/[-+a-z0-9.]+$`.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-+.".contains(&b))
    };
    text.split_once('/')
        .is_some_and(|(kind, sub)| is_name(kind) && is_name(sub))
}

impl DataSource {
    fn component(&self) -> Value {
        let mut component = Object::new("data", &self.name);
        component.put("bom-ref", self.reference.as_str());
        component.maybe("version", self.version.as_deref());
        component.maybe("description", self.description.as_deref());
        let kind = if self.is_dataset { "dataset" } else { "other" };
        component.put("data", json!([{"type": kind, "name": self.name}]));
        let links = self.uri.iter().filter(|uri| is_reference(uri));
        let links = links.map(|uri| json!({"type": "distribution", "url": uri}));
        component.list("externalReferences", links.collect());
        component.done()
    }
}

/// Whether a text can stand where the schema wants an IRI; addresses of data are free texts.
fn is_reference(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_whitespace() || "<>\"{}|\\^`%".contains(c) || c.is_control())
        && text.split_once(':').is_some_and(|(scheme, rest)| {
            !rest.is_empty()
                && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        })
        && !text.contains(['[', ']'])
        && text.matches('#').count() <= 1
}

impl UsedModel {
    fn reference(&self) -> String {
        format!("registered-model:{}", self.id)
    }

    fn component(&self) -> Value {
        let mut component = Object::new("machine-learning-model", &self.name);
        component.put("bom-ref", self.reference());
        component.put("supplier", json!({"name": self.provider}));
        let mut facts = vec![("model_id".to_owned(), self.model_id.clone())];
        facts.extend(self.properties.iter().cloned());
        component.list("properties", properties(&facts));
        component.done()
    }
}

fn properties(facts: &[(String, String)]) -> Vec<Value> {
    let each = facts.iter();
    each.map(|(name, value)| json!({"name": format!("probity:{name}"), "value": value}))
        .collect()
}

/// An object under construction; what is absent or empty is left out.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn new(kind: &str, name: &str) -> Self {
        let mut object = Self::default();
        object.put("type", kind);
        object.put("name", name);
        object
    }

    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn maybe(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(key, text);
        }
    }

    fn list(&mut self, key: &str, items: Vec<Value>) {
        if !items.is_empty() {
            self.put(key, items);
        }
    }

    fn part(&mut self, key: &str, part: Self) {
        if !part.0.is_empty() {
            self.put(key, part.done());
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

/// A UUID made from the content.
fn serial(content: &Value) -> String {
    let digest = Sha256::digest(content.to_string().as_bytes());
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest.iter()) {
        *to = *from;
    }
    format!("urn:uuid:{}", Builder::from_custom_bytes(bytes).into_uuid())
}
