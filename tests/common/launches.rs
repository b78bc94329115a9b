//! A list of the kernels that tests compile, for comparing what two runs cover.
//!
//! Where `TILEWRIGHT_TEST_KERNELS` names a file, each test binary adds a line for every specialisation that one of its
//! contexts compiled: the binary, the stem, the constants and the fragments. `scripts/coverage.sh` compares such lists.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::Write,
    sync::{Mutex, Once, PoisonError},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Begins the list, once in a process, if the environment asks for it.
pub fn log() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let Some(path) = std::env::var_os("TILEWRIGHT_TEST_KERNELS") else { return };
        let file = OpenOptions::new().create(true).append(true).open(path).expect("the list can be written");
        let program = std::env::args().next().unwrap_or_default();
        let stem = program.rsplit('/').next().and_then(|name| name.rsplit_once('-')).map(|(stem, _)| stem);
        let binary = stem.unwrap_or(&program).to_owned();
        tracing::subscriber::set_global_default(List { binary, file: Mutex::new(file) })
            .expect("nobody else subscribes");
    });
}

struct List {
    binary: String,
    file: Mutex<File>,
}

/// The field `kernel` of an event whose message is `compiled`.
#[derive(Default)]
struct Compiled {
    kernel: String,
    message: String,
}

impl Visit for Compiled {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "kernel" => self.kernel = format!("{value:?}"),
            "message" => self.message = format!("{value:?}"),
            _ => {}
        }
    }
}

impl Subscriber for List {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && *metadata.level() == Level::DEBUG
            && metadata.target().starts_with("tilewright_runtime")
    }

    fn event(&self, event: &Event<'_>) {
        let mut found = Compiled::default();
        event.record(&mut found);
        if found.message == "compiled" {
            // One write, so that lines of several processes do not mix.
            let line = format!("{} {}\n", self.binary, found.kernel);
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(line.as_bytes()).expect("the list can be written");
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
