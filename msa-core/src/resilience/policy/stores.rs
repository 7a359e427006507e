//! Caches and flights of a policy's calls, whose types only the calls know.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

type Store = (TypeId, Arc<dyn Any + Send + Sync>);

/// One store of each type; looking for one takes no lock. A function has one or two, a generic one some for each of its forms.
#[derive(Default)]
pub(super) struct Stores(ArcSwap<Vec<Store>>);

impl Stores {
    /// The store of this type, which is made when it is asked for first.
    pub(super) fn get<S: Default + Send + Sync + 'static>(&self) -> Arc<S> {
        self.find().unwrap_or_else(|| self.make())
    }

    fn find<S: Send + Sync + 'static>(&self) -> Option<Arc<S>> {
        let stores = self.0.load();
        let wanted = TypeId::of::<S>();
        let (_, store) = stores.iter().find(|(kind, _)| *kind == wanted)?;
        store.clone().downcast().ok()
    }

    #[cold]
    fn make<S: Default + Send + Sync + 'static>(&self) -> Arc<S> {
        let made = Arc::new(S::default());
        let wanted = TypeId::of::<S>();
        self.0.rcu(|stores| {
            let mut stores = Vec::clone(stores);
            if !stores.iter().any(|(kind, _)| *kind == wanted) {
                stores.push((wanted, made.clone()));
            }
            stores
        });
        // Whoever came first made it; found in any case, as nothing is ever taken out.
        self.find().unwrap_or(made)
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("len", &self.0.load().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn there_is_one_store_of_each_type() {
        let stores = Stores::default();
        stores
            .get::<Mutex<u8>>()
            .lock()
            .map(|mut n| *n = 7)
            .unwrap();
        assert_eq!(*stores.get::<Mutex<u16>>().lock().unwrap(), 0);
        assert_eq!(*stores.get::<Mutex<u8>>().lock().unwrap(), 7);
        assert_eq!(format!("{stores:?}"), "Stores { len: 2 }");
    }
}
