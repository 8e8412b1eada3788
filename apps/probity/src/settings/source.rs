//! Where a setting's value comes from: a flag beats the environment beats the file beats the
//! default.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::{SettingError, TABLE};

/// Where a value was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Environment(&'static str),
    File(PathBuf),
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The values of all settings with their sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources(BTreeMap<&'static str, (String, Source)>);

impl Sources {
    /// Gathers the values; a file with an unknown setting is refused.
    pub(crate) fn gather(matches: &ArgMatches) -> Result<Self, SettingError> {
        let file = matches.get_one::<String>("config").map(PathBuf::from);
        let in_file = file
            .as_deref()
            .map(read_file)
            .transpose()?
            .unwrap_or_default();
        let mut values = BTreeMap::new();
        for setting in TABLE {
            let flag = if setting.is_flag {
                matches.get_flag(setting.name).then(|| "true".to_owned())
            } else if matches.value_source(setting.name) == Some(ValueSource::CommandLine) {
                matches.get_one::<String>(setting.name).cloned()
            } else {
                None
            };
            let environment = std::env::var(setting.env)
                .ok()
                .filter(|value| !value.is_empty());
            let found = flag
                .map(|value| (value, Source::Flag))
                .or_else(|| environment.map(|value| (value, Source::Environment(setting.env))))
                .or_else(|| {
                    let value = in_file.get(setting.name)?.clone();
                    Some((value, Source::File(file.clone().unwrap_or_default())))
                })
                .or_else(|| {
                    setting
                        .default
                        .map(|value| (value.to_owned(), Source::Default))
                });
            if let Some(found) = found {
                values.insert(setting.name, found);
            }
        }
        Ok(Self(values))
    }

    /// The same settings with one of them set, as if by flag.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(name, (value.into(), Source::Flag));
        self
    }

    /// Whether a setting was left at its default.
    pub(crate) fn is_default(&self, name: &str) -> bool {
        self.0
            .get(name)
            .is_none_or(|(_, source)| *source == Source::Default)
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|(value, _)| value.clone())
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, SettingError> {
        let value = self.text(name).filter(|value| !value.trim().is_empty());
        value.ok_or_else(|| self.wrong(name, "must not be empty"))
    }

    pub(crate) fn parse<T: FromStr>(&self, name: &str, expected: &str) -> Result<T, SettingError> {
        let value = self.required(name)?;
        value
            .parse()
            .map_err(|_| self.wrong(name, &format!("expected {expected}")))
    }

    pub(crate) fn number<T>(&self, name: &str, range: RangeInclusive<T>) -> Result<T, SettingError>
    where
        T: FromStr + PartialOrd + fmt::Display,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let value: T = self.parse(name, &expected)?;
        if range.contains(&value) {
            return Ok(value);
        }
        Err(self.wrong(name, &format!("expected {expected}")))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, SettingError> {
        self.parse(name, "true or false")
    }

    /// The error for a value that will not do; the value itself may be a secret and stays out.
    pub(crate) fn wrong(&self, name: &str, expected: &str) -> SettingError {
        let source = self
            .0
            .get(name)
            .map_or(Source::Default, |(_, source)| source.clone());
        SettingError {
            name: name.to_owned(),
            source_name: source.to_string(),
            expected: expected.to_owned(),
        }
    }

    /// The effective settings as a TOML file, each with its source, secrets masked.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        for setting in TABLE {
            let line = match self.0.get(setting.name) {
                Some((_, source)) if setting.secret => {
                    format!("{} = \"********\" # {source}\n", setting.name)
                }
                Some((value, source)) => {
                    format!(
                        "{} = {} # {source}\n",
                        setting.name,
                        toml::Value::from(value.as_str())
                    )
                }
                None => format!("# {} is not set: {}\n", setting.name, setting.help),
            };
            let _ = text.write_str(&line);
        }
        text
    }
}

fn read_file(path: &Path) -> Result<BTreeMap<String, String>, SettingError> {
    let wrong = |name: &str, expected: String| SettingError {
        name: name.to_owned(),
        source_name: Source::File(path.to_owned()).to_string(),
        expected,
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| wrong("config", format!("cannot be read: {error}")))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error| wrong("config", format!("expected TOML: {error}")))?;
    let mut values = BTreeMap::new();
    for (name, value) in table {
        if !TABLE.iter().any(|setting| setting.name == name) {
            return Err(wrong(
                &name,
                "is not a setting; `--print-config` lists them".to_owned(),
            ));
        }
        let value = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Boolean(flag) => flag.to_string(),
            toml::Value::Float(_)
            | toml::Value::Datetime(_)
            | toml::Value::Array(_)
            | toml::Value::Table(_) => {
                return Err(wrong(
                    &name,
                    "expected a text, a whole number or a boolean".to_owned(),
                ));
            }
        };
        values.insert(name, value);
    }
    Ok(values)
}
