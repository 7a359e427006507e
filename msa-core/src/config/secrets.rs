//! The secrets folder: one file per key, as Kubernetes and Docker mount them.

use std::sync::Arc;

use super::env;
use super::error::{Problem, Source};
use super::files::Files;
use super::layer::Layer;
use super::schema::Node;

/// The layer of the secrets folder. A file's name is its key, with `__` or `.` between levels.
pub(super) fn read(files: &Files, root: Node<'_>, problems: &mut Vec<Problem>) -> Layer {
    let mut layer = Layer::new(Source::Secret(Arc::from("secrets folder")));
    for (path, (name, text)) in &files.secrets {
        let source = Source::Secret(path.clone());
        let name = name.replace("__", ".");
        let keys = env::keys(name.split('.'), root);
        env::insert(&mut layer, &keys, text, &source, root, problems);
    }
    layer
}
