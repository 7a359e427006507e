//! What to load, and from where.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::assemble::Recipe;
use super::env::Variables;
use super::error::{ConfigError, Problem, Source};
use super::files::Places;
use super::schema::Node;
use super::section::Kind;
use super::{Config, compile, path};

/// Says what to load: the service's name, its own sections, and where to look when not in the usual places.
#[derive(Clone)]
#[must_use = "a loader loads nothing until `load` is called"]
pub struct Loader {
    service: String,
    sections: Vec<(String, Kind)>,
    aliases: Vec<(String, String)>,
    environment: Option<Vec<(OsString, OsString)>>,
    dir: Option<PathBuf>,
    profile: Option<String>,
    secrets_dir: Option<PathBuf>,
    texts: Vec<(Arc<str>, String)>,
}

impl Loader {
    /// A loader for the service of this name.
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            sections: Vec::new(),
            aliases: Vec::new(),
            environment: None,
            dir: None,
            profile: None,
            secrets_dir: None,
            texts: Vec::new(),
        }
    }

    /// Adds a section of the service's own, read by [`Config::section`].
    ///
    /// What is not set comes from `T::default()`. The doc comments of `T` become the descriptions in the schema, a
    /// [`Secret`](super::Secret) in it is never shown, and `#[schemars(range(min = 1))]` is checked.
    pub fn section<T>(mut self, name: &str) -> Self
    where
        T: DeserializeOwned + Serialize + JsonSchema + Default + Send + Sync + 'static,
    {
        self.sections.push((path::folded(name), Kind::of::<T>()));
        self
    }

    /// Lets a variable that everyone expects set a key: `.env_alias("DATABASE_URL", "banner.database_url")`.
    ///
    /// It has the last word, like `PORT`. An empty variable is none.
    pub fn env_alias(mut self, variable: &str, key: &str) -> Self {
        self.aliases.push((variable.to_owned(), key.to_owned()));
        self
    }

    /// Takes these variables in place of the process's environment.
    pub fn env<K, V>(mut self, variables: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let variables = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()));
        self.environment = Some(variables.collect());
        self
    }

    /// Looks for `msa.toml` in this folder, whatever `MSA_CONFIG_DIR` says. By default in the working directory.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Reads `msa.<profile>.toml` too, whatever `MSA_PROFILE` says; it must be there. By default none.
    pub fn profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Reads this secrets folder, whatever `MSA_SECRETS_DIR` says. By default none.
    pub fn secrets_dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.secrets_dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Takes this text in place of the TOML files on the disk, for tests. A second one lies above the first, as a profile
    /// does. `name` is what errors call it.
    pub fn toml_str(mut self, name: &str, text: impl Into<String>) -> Self {
        self.texts.push((name.into(), text.into()));
        self
    }

    /// Loads all layers.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once: files that cannot be read, syntax errors, unknown keys, values of the wrong type or out
    /// of range.
    pub fn load(self) -> Result<Config, ConfigError> {
        let service = self.service.clone();
        let refuse = |problems| ConfigError::new(&service, problems);
        let recipe = self.recipe().map_err(refuse)?;
        Config::start(recipe).map_err(refuse)
    }

    /// The JSON Schema of all keys, without loading anything.
    #[must_use]
    pub fn schema(&self) -> serde_json::Value {
        compile::schema(&self.service, &self.sections)
    }

    fn recipe(self) -> Result<Recipe, Vec<Problem>> {
        let mut problems = Vec::new();
        let environment = self
            .environment
            .unwrap_or_else(|| std::env::vars_os().collect());
        let aliases = self.aliases.iter().map(|(name, _)| name.as_str());
        let variables = Variables::keep(environment, aliases);
        let special = |name: &str| variables.get(name).map(str::to_owned);
        let blame = |given: bool, option: &str, variable: &str| {
            if given {
                Source::Option(option.into())
            } else {
                Source::Variable(variable.into())
            }
        };

        let profile = self.profile.clone().or_else(|| special("MSA_PROFILE"));
        let chosen = blame(self.profile.is_some(), "--profile", "MSA_PROFILE");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if profile
            .as_ref()
            .is_some_and(|profile| !profile.bytes().all(plain))
        {
            let message = "a profile's name is made of letters, digits, `-` and `_`";
            problems.push(Problem::new(chosen.clone(), "", message));
        }

        let mut places = Places::default();
        if self.texts.is_empty() {
            let dir = self
                .dir
                .clone()
                .or_else(|| special("MSA_CONFIG_DIR").map(PathBuf::from));
            if let Some(dir) = &dir
                && !dir.is_dir()
            {
                let source = blame(self.dir.is_some(), "--config-dir", "MSA_CONFIG_DIR");
                let message = format!("{} is no folder; it should hold msa.toml", dir.display());
                problems.push(Problem::new(source, "", message));
            }
            let mut look_for = |name: String| {
                let path = dir
                    .as_ref()
                    .map_or_else(|| PathBuf::from(&name), |dir| dir.join(&name));
                places.toml.push((path.display().to_string().into(), path));
            };
            look_for("msa.toml".into());
            if let Some(profile) = &profile {
                look_for(format!("msa.{profile}.toml"));
                places.profile = Some(chosen);
            }
        }
        places.secrets = self
            .secrets_dir
            .or_else(|| special("MSA_SECRETS_DIR").map(PathBuf::from));

        let msa = compile::schema(&self.service, &[]);
        for (name, _) in &self.sections {
            let twice = self
                .sections
                .iter()
                .filter(|(other, _)| other == name)
                .count()
                > 1;
            let fault = if Node::root(&msa).child(name).is_some() {
                "is msa's own; give the section another name"
            } else if twice {
                "is registered twice"
            } else if name.is_empty() || name.contains(['.', '[']) {
                "is no name for a section"
            } else {
                continue;
            };
            problems.push(Problem::new(
                Source::Default,
                name,
                format!("section `{name}` {fault}"),
            ));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let schema = compile::schema(&self.service, &self.sections);
        Ok(Recipe {
            service: self.service,
            sections: self.sections,
            aliases: self.aliases,
            variables,
            places,
            texts: self.texts,
            schema,
        })
    }
}

impl fmt::Debug for Loader {
    /// Without the environment and the texts, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sections: Vec<_> = self.sections.iter().map(|(name, _)| name).collect();
        f.debug_struct("Loader")
            .field("service", &self.service)
            .field("sections", &sections)
            .field("aliases", &self.aliases)
            .field("dir", &self.dir)
            .field("profile", &self.profile)
            .field("secrets_dir", &self.secrets_dir)
            .finish_non_exhaustive()
    }
}
