use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
struct Told {
    failed: Mutex<Vec<String>>,
    changed: AtomicUsize,
}

impl crate::event::Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        match event {
            Event::DiscoveryFailed {
                service: "*",
                reason,
            } => self.failed.lock().unwrap().push((*reason).to_owned()),
            Event::EndpointsChanged { .. } => {
                self.changed.fetch_add(1, Ordering::SeqCst);
            }
            other => panic!("{other:?}"),
        }
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    told: Arc<Told>,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            told: Arc::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("endpoints")
    }

    fn write(&self, text: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(&new, self.path()).unwrap();
    }

    fn open(&self) -> Arc<FileSource> {
        FileSource::open(self.path(), Observers::none().with(self.told.clone()))
    }

    fn failures(&self) -> Vec<String> {
        self.told.failed.lock().unwrap().clone()
    }
}

fn ports(receiver: &watch::Receiver<EndpointSet>) -> Vec<u16> {
    receiver.borrow().iter().map(|e| e.port()).collect()
}

const ONE: &str = "services.users.endpoints = ['http://a:1']";
const TWO: &str = "services.users.endpoints = ['http://a:1', 'http://a:2']";

#[test]
fn a_change_is_believed_when_two_looks_saw_the_same() {
    let fixture = Fixture::new();
    fixture.write(ONE);
    let source = fixture.open();
    let users = source.subscribe("users").unwrap();
    assert_eq!(source.look(), Look::Same);

    fixture.write("services.users.endpoints = []");
    assert_eq!(source.look(), Look::Unsettled);
    fixture.write(TWO);
    assert_eq!(source.look(), Look::Unsettled, "it moved between the looks");
    assert_eq!(ports(&users), [1]);
    assert_eq!(source.look(), Look::Taken);
    assert_eq!(ports(&users), [1, 2]);
    assert_eq!(source.look(), Look::Same);

    fixture.write(ONE);
    assert_eq!(source.look(), Look::Unsettled);
    fixture.write(TWO);
    assert_eq!(source.look(), Look::Same, "it moved back");
    fixture.write(ONE);
    assert_eq!(source.look(), Look::Unsettled);
    assert_eq!(fixture.told.changed.load(Ordering::SeqCst), 2);
}

#[test]
fn a_broken_file_keeps_the_last_good_and_is_told_once() {
    let fixture = Fixture::new();
    fixture.write(TWO);
    let source = fixture.open();
    let users = source.subscribe("users").unwrap();
    let path = fixture.path().display().to_string();

    fixture.write("[services.users]\nendpoints = ['http://a:1', 'a:2'");
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    let error = source.last_error().unwrap();
    assert!(error.starts_with(&format!("{path}:2:")), "{error}");
    assert_eq!(ports(&users), [1, 2]);
    for _ in 0..3 {
        assert_eq!(source.look(), Look::Same);
    }
    assert_eq!(fixture.failures(), [error]);

    // Other bytes, the same error: not told again.
    fixture.write("[services.users]\nendpoints = ['http://a:1', 'a:2' # to be continued");
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert_eq!(source.last_error().as_ref(), fixture.failures().last());
    assert_eq!(fixture.failures().len(), 1, "{:?}", fixture.failures());

    fixture.write(ONE);
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert_eq!(source.last_error(), None);
    assert_eq!(ports(&users), [1]);
}

#[test]
fn a_truncated_file_takes_nobody_away() {
    let fixture = Fixture::new();
    fixture.write(TWO);
    let source = fixture.open();
    let users = source.subscribe("users").unwrap();
    fs::write(fixture.path(), "").unwrap();
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert!(source.last_error().unwrap().contains("empty"));
    assert_eq!(ports(&users), [1, 2]);
}

#[test]
fn a_missing_file_is_an_error_until_it_is_there() {
    let fixture = Fixture::new();
    let source = fixture.open();
    assert!(source.last_error().unwrap().contains("no such file"));
    assert_eq!(fixture.failures().len(), 1);
    assert!(source.subscribe("users").is_none());
    fixture.write(ONE);
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert_eq!(source.last_error(), None);
    let users = source.subscribe("users").unwrap();

    fs::remove_file(fixture.path()).unwrap();
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert!(source.last_error().is_some());
    assert_eq!(ports(&users), [1], "the last good stays");
    fixture.write(ONE);
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert_eq!(source.last_error(), None);
}

#[test]
fn a_folder_and_a_huge_file_are_refused() {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path()).unwrap();
    let source = fixture.open();
    assert!(source.last_error().unwrap().contains("not a regular file"));
    fs::remove_dir(fixture.path()).unwrap();
    fs::File::create(fixture.path())
        .and_then(|file| file.set_len(MAX_BYTES + 1))
        .unwrap();
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert!(source.last_error().unwrap().contains("16 MiB"));
}

#[cfg(unix)]
#[test]
fn a_swap_of_symlinks_as_kubernetes_does_it_is_a_change() {
    let fixture = Fixture::new();
    let folder = fixture.folder.path();
    for (version, text) in [("v1", ONE), ("v2", TWO)] {
        fs::create_dir(folder.join(version)).unwrap();
        fs::write(folder.join(version).join("endpoints"), text).unwrap();
    }
    std::os::unix::fs::symlink("v1", folder.join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/endpoints", fixture.path()).unwrap();
    let source = fixture.open();
    let users = source.subscribe("users").unwrap();
    assert_eq!(ports(&users), [1]);

    std::os::unix::fs::symlink("v2", folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    assert_eq!(
        (source.look(), source.look()),
        (Look::Unsettled, Look::Taken)
    );
    assert_eq!(ports(&users), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_hears_of_a_change_and_the_task_ends_with_its_source() {
    let fixture = Fixture::new();
    fixture.write(ONE);
    let source = fixture.open();
    let mut users = source.subscribe("users").unwrap();
    let task = tokio::spawn(source.follow(Duration::from_secs(1)));
    fixture.write(TWO);
    users.changed().await.unwrap();
    assert_eq!(ports(&users), [1, 2]);
    drop(source);
    task.await.unwrap();
}
