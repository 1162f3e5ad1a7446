//! Clients' calls: writes go through the replica, reads are served from storage under the lease.

use bytes::BytesMut;
use pegasus_common::{ErrorCode, Gpid, reach};
use pegasus_history::key_value::Operation;
use pegasus_replica::{AnswerSink, ArrivedWrite, Readability, Requester, Staged};
use pegasus_rpc::{ConnectionId, ReplyTo};
use pegasus_wire::replication::{CreateReplicaRequest, CreateReplicaResponse};

use super::Turn;
use crate::data_calls;
use crate::packet::{CallId, Place, Request, Response};
use crate::planted::{self, DriverBug};
use crate::workload::Task;

/// A write that waits for its answer.
pub(super) struct Asked {
    from: Place,
    id: CallId,
    gpid: Gpid,
    operation: Operation,
}

/// What replicas have answered during one event.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: Vec<(i32, BytesMut)>,
}

impl AnswerSink for Outbox {
    fn answer(&mut self, requester: Requester, encode: impl FnOnce(&mut BytesMut)) {
        let mut frame = BytesMut::new();
        encode(&mut frame);
        self.frames.push((requester.to.seqid, frame));
    }
}

impl Turn<'_> {
    /// A call of a client, of the meta server or of another server.
    pub(super) fn on_call(&mut self, from: Place, id: CallId, request: Request) {
        match request {
            Request::Data { gpid, task } => {
                if let Err(error) = self.on_data(from, id, gpid, &task) {
                    let answer = Response::Data(Err(error));
                    self.around.answer(self.place(), from, id, answer);
                }
            }
            Request::CreateReplica(request) => {
                let answer = Response::CreateReplica(self.create(&request));
                self.around.answer(self.place(), from, id, answer);
            }
            Request::Fetch {
                gpid,
                checkpoint,
                pieces,
            } => {
                let piece = self.piece_of(gpid, checkpoint, pieces);
                self.around
                    .answer(self.place(), from, id, Response::Fetch(piece));
            }
            Request::Meta(_) | Request::QueryConfiguration => {}
        }
    }

    fn on_data(
        &mut self,
        from: Place,
        id: CallId,
        gpid: Gpid,
        task: &Task,
    ) -> Result<(), ErrorCode> {
        if !self.process.hosted.contains_key(&gpid) {
            return Err(ErrorCode::ObjectNotFound);
        }
        let Task {
            hash_key,
            operation,
            expires_at_second,
        } = task;
        let Some(write) = data_calls::write_of(hash_key, operation, *expires_at_second) else {
            let answer = self.read(gpid, task)?;
            self.around
                .answer(self.place(), from, id, Response::Data(Ok(answer)));
            return Ok(());
        };
        if !self.process.lease.is_held(self.now()) {
            return Err(ErrorCode::InvalidState);
        }
        if self.is_log_clogged() {
            return Err(ErrorCode::Busy);
        }
        self.process.last_seqid += 1;
        let seqid = self.process.last_seqid;
        let asked = Asked {
            from,
            id,
            gpid,
            operation: operation.clone(),
        };
        self.process.asked.insert(seqid, asked);
        let requester = Requester {
            shard: 0,
            to: ReplyTo {
                connection: ConnectionId::NOBODY,
                seqid,
                code: data_calls::code_of(operation),
            },
        };
        let (wall, arrived) = (self.wall(), ArrivedWrite { write, requester });
        self.with_replica(gpid, |replica, outbox, effects| {
            let staged = replica.stage(arrived, wall, outbox, effects);
            debug_assert_eq!(staged, Staged::Taken, "a model's values are at hand");
        });
        Ok(())
    }

    fn read(
        &mut self,
        gpid: Gpid,
        task: &Task,
    ) -> Result<pegasus_history::key_value::Answer, ErrorCode> {
        let now = self.now();
        let hosted = self
            .process
            .hosted
            .get(&gpid)
            .ok_or(ErrorCode::ObjectNotFound)?;
        match hosted.replica.handle.readability() {
            Readability::AllReads(term)
                if self.process.lease.is_held_in(term, now)
                    || planted::is(DriverBug::LeaseIgnored) => {}
            Readability::AllReads(_) => {
                reach!("lease: a read is refused");
                return Err(ErrorCode::InvalidState);
            }
            _ => return Err(ErrorCode::InvalidState),
        }
        let applied = hosted.machine().applied();
        self.around.checks.on_read(self.index, gpid, applied);
        let stored = hosted.storage.snapshot();
        Ok(data_calls::read(
            &stored,
            &task.hash_key,
            &task.operation,
            self.wall(),
        ))
    }

    /// Sends what replicas have answered.
    pub(super) fn send_answers(&mut self) {
        let frames = std::mem::take(&mut self.process.outbox.frames);
        for (seqid, frame) in frames {
            let Some(asked) = self.process.asked.remove(&seqid) else {
                panic!("request {seqid} of server{} is answered twice", self.index);
            };
            let answer = data_calls::answer_of(&asked.operation, frame);
            if answer.is_ok()
                && let Some(hosted) = self.process.hosted.get(&asked.gpid)
            {
                let applied = hosted.machine().applied();
                self.around.checks.on_answered(asked.gpid, applied);
            }
            self.around
                .answer(self.place(), asked.from, asked.id, Response::Data(answer));
        }
    }

    /// A new, empty replica on the meta server's request.
    fn create(&mut self, request: &CreateReplicaRequest) -> CreateReplicaResponse {
        let gpid = request.pid;
        let refuse = |err, hint: &str| CreateReplicaResponse {
            err,
            hint_message: hint.to_owned(),
        };
        if !self.process.has_loaded {
            return refuse(ErrorCode::TryAgain, "it is loading");
        }
        if let Some(hosted) = self.process.hosted.get(&gpid) {
            return match hosted.machine().ballot() {
                pegasus_common::Ballot::ZERO => refuse(ErrorCode::Ok, "it is there already"),
                _ => refuse(ErrorCode::PathAlreadyExist, "it is there with a ballot"),
            };
        }
        if self.disk.replicas.contains_key(&gpid) {
            return refuse(ErrorCode::FileOperationFailed, "its directory is there");
        }
        self.give_birth(gpid, request.app.clone());
        refuse(ErrorCode::Ok, "")
    }
}
