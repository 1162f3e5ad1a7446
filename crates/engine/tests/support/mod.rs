//! One engine with the part of a host that semantics need: evaluate, propose, apply.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use pegasus_common::{Ballot, Decree};
use pegasus_engine::{
    AppliedMutation, BackgroundFailure, Engine, EngineListener, EngineOptions, EngineSetup,
    Evaluation, EvaluationTime, InFlightValues, MutationBuilder, OpenMode, Overlay, ReadTier,
    SettingsHandle, Shared, StallState, TableSettings, WriteOperation, WriteReply, WriteSettings,
    evaluate,
};

/// Remembers what the engine reports.
#[derive(Default)]
pub struct Recorder {
    /// Highest decree reported as flushed.
    pub flushed: AtomicI64,
    /// Set if a report was not above the one before. Callbacks may not panic, so tests look here.
    pub went_back: AtomicBool,
    /// Failures reported; none is expected unless a test provokes it.
    pub failures: Mutex<Vec<BackgroundFailure>>,
}

impl EngineListener for Recorder {
    fn on_flushed(&self, decree: Decree) {
        let previous = self.flushed.swap(decree.0, Ordering::SeqCst);
        self.went_back
            .fetch_or(previous >= decree.0, Ordering::SeqCst);
    }
    fn on_background_error(&self, failure: BackgroundFailure) {
        self.failures.lock().unwrap().push(failure);
    }
    fn on_stall_changed(&self, _: StallState) {}
}

/// The time of the tests: ahead of the real one, by which compactions drop what has expired.
pub const NOW_S: u32 = 2_000_000_000;

/// Small enough that a test opens many.
pub fn shared() -> Shared {
    shared_with(&EngineOptions::default())
}

/// As [`shared`], with other options.
pub fn shared_with(options: &EngineOptions) -> Shared {
    let options = EngineOptions {
        block_cache_capacity: 8 << 20,
        ..options.clone()
    };
    Shared::new(&options).unwrap()
}

/// A replica without replication.
pub struct Replica {
    pub engine: Engine,
    pub recorder: Arc<Recorder>,
    pub overlay: Overlay,
    pub builder: MutationBuilder,
    pub write_settings: WriteSettings,
    pub now_epoch_s: u32,
    pub in_flight: Vec<AppliedMutation>,
    next_timestamp_us: u64,
}

impl Replica {
    pub fn open(shared: &Shared, dir: &Path, mode: OpenMode) -> Self {
        let settings = SettingsHandle::new(TableSettings::default());
        Self::open_with(shared, dir, mode, settings)
    }

    pub fn open_with(
        shared: &Shared,
        dir: &Path,
        mode: OpenMode,
        settings: SettingsHandle,
    ) -> Self {
        let recorder = Arc::new(Recorder::default());
        let setup = EngineSetup {
            dir: PathBuf::from(dir),
            mode,
            settings,
            listener: recorder.clone(),
        };
        Self {
            engine: Engine::open(shared, setup).unwrap(),
            recorder,
            overlay: Overlay::new(),
            builder: MutationBuilder::new(),
            write_settings: WriteSettings::default(),
            now_epoch_s: NOW_S,
            in_flight: Vec::new(),
            next_timestamp_us: 1_700_000_000_000_000,
        }
    }

    /// Evaluates one write into the current turn.
    pub fn evaluate(&mut self, operation: WriteOperation<'_>) -> WriteReply {
        self.next_timestamp_us += 1;
        let time = EvaluationTime {
            timestamp_us: self.next_timestamp_us,
            now_epoch_s: self.now_epoch_s,
        };
        let mut current = InFlightValues::new(&mut self.overlay, &self.engine, ReadTier::All);
        match evaluate(
            &mut self.builder,
            operation,
            &mut current,
            time,
            self.write_settings,
        ) {
            Evaluation::Done(reply) => reply,
            Evaluation::NeedsRead(_) => panic!("tier All never needs another read"),
        }
    }

    /// Ends the turn: what was evaluated is now in flight.
    pub fn propose(&mut self) {
        let last = self
            .in_flight
            .last()
            .map_or(self.engine.applied().decree, |last| last.decree);
        let payload = self.builder.finish().payload;
        self.overlay.insert(last.next(), payload.clone());
        self.in_flight.push(AppliedMutation {
            decree: last.next(),
            digest: payload.len() as u64,
            ballot: Ballot(1),
            timestamp_us: self.next_timestamp_us,
            payload,
        });
    }

    /// Applies everything in flight as one run.
    pub fn commit(&mut self) {
        let mark = self.engine.apply(&self.in_flight).unwrap();
        self.overlay.applied(mark.decree);
        self.in_flight.clear();
    }

    /// Evaluates, proposes and applies one write.
    pub fn write(&mut self, operation: WriteOperation<'_>) -> WriteReply {
        let reply = self.evaluate(operation);
        self.propose();
        self.commit();
        reply
    }
}
