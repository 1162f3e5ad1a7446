//! [`Campaigner`]: when a member wants to become the leader.
//!
//! The consensus could find that out by itself, but with one pair of times for three things: how long
//! a leader may be silent, how long a member waits before it stands, and how long a vote may take to
//! become durable. Here they are apart: a leader is missed soon, and a slow disk may take its time.
//!
//! A member first asks whether it would be elected (a pre-vote); that changes nothing anywhere. So it
//! may ask often, and a member that alone cannot hear the leader disturbs nobody (Ongaro's thesis,
//! section 9.6).
//!
//! Two that stand at the same time refuse each other their votes. Who was refused does not wait until
//! its own candidacy has been silent for as long as a leader may be: it asks again soon, at a time of its
//! own.

use std::sync::Arc;
use std::time::Duration;

use openraft::async_runtime::Instant as _;
use openraft::{AsyncRuntime, RaftState, ServerState};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::answering::Consensus;
use super::contact::Contact;
use super::types::{GroupTypes, LeaderId, MemberId};

/// The least time between two questions for an election: an answer needs a part of it.
const RETRY: Duration = Duration::from_millis(100);
/// Attempts that fail make the next one rarer, at most so much: twice per attempt.
const DOUBLINGS_MAX: u32 = 3;

/// The times of a campaign.
#[derive(Clone, Copy, Debug)]
pub(super) struct CampaignTimes {
    /// How long a leader may be silent before anybody would vote for another one; also how long a
    /// vote may take.
    pub silence_max: Duration,
    /// How often a leader speaks.
    pub heartbeat: Duration,
    /// Members stand at different times within so long.
    pub spread: Duration,
}

/// How a member stands to the group's elections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It leads, or has no vote.
    Idle,
    /// It is the only voter.
    Alone,
    /// Others have votes, too. It has heard of a leader, voted or stood so long ago.
    OneOfMany { silence: Duration },
    /// It stood, and another one has refused its vote.
    Refused,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Look,
    Ask,
    Stand,
}

/// Decides when to stand. Pure: time and chance come from outside.
struct Patience {
    times: CampaignTimes,
    /// Attempts since there was a leader.
    attempts: u32,
    /// A number in `0..1` for this attempt.
    chance: f64,
    /// When it tried last, since the start of the member.
    tried: Option<Duration>,
}

impl Patience {
    fn new(times: CampaignTimes, chance: f64) -> Self {
        Self {
            times,
            attempts: 0,
            chance,
            tried: None,
        }
    }

    fn share_of_spread(&self) -> Duration {
        let spread = self.times.spread * (1 << self.attempts.min(DOUBLINGS_MAX));
        spread.mul_f64(self.chance)
    }

    /// What to do at `now`, and after how long to look again. A step needs a new chance.
    fn step(&mut self, standing: Standing, now: Duration) -> (Step, Duration) {
        let pause = self.times.silence_max;
        let step = match standing {
            Standing::Idle => {
                self.attempts = 0;
                return (Step::Look, pause);
            }
            Standing::Alone => Step::Stand,
            Standing::Refused => Step::Ask,
            Standing::OneOfMany { silence } => {
                if silence < self.times.silence_max {
                    self.attempts = 0;
                }
                let bearable = self.times.silence_max + self.times.heartbeat;
                let bearable = bearable + self.share_of_spread();
                if silence < bearable {
                    return (Step::Look, bearable - silence);
                }
                Step::Ask
            }
        };
        let next = self
            .tried
            .map(|tried| tried + RETRY + self.share_of_spread());
        if let Some(next) = next.filter(|next| now < *next) {
            return (Step::Look, next - now);
        }
        self.tried = Some(now);
        self.attempts += 1;
        (step, RETRY)
    }
}

/// Makes one member stand for election whenever there is no leader.
pub(super) struct Campaigner<R: AsyncRuntime> {
    pub me: MemberId,
    pub raft: Consensus<R>,
    pub times: CampaignTimes,
    /// What the others have answered.
    pub contact: Arc<Mutex<Contact>>,
}

impl<R: AsyncRuntime> Campaigner<R> {
    /// Runs until the consensus has stopped.
    pub async fn run(self) {
        let started = R::Instant::now();
        // Every member draws its own numbers.
        let mut random = StdRng::seed_from_u64(self.me.0);
        let mut chance = move || random.random_range(0.0..1.0);
        let mut patience = Patience::new(self.times, chance());
        loop {
            let (me, contact) = (self.me, Arc::clone(&self.contact));
            let seen = move |state: &RaftState<GroupTypes<R>>| {
                standing::<R>(me, state, &contact.lock(), started)
            };
            let Ok(standing) = self.raft.with_raft_state(seen).await else {
                return;
            };
            let (step, pause) = patience.step(standing, started.elapsed());
            let tried = match step {
                Step::Look => Ok(()),
                Step::Ask => self.raft.trigger().elect(true).await,
                Step::Stand => self.raft.trigger().elect(false).await,
            };
            if tried.is_err() {
                return;
            }
            if step != Step::Look {
                patience.chance = chance();
            }
            R::sleep(pause).await;
        }
    }
}

/// How the member stands; after a restart, nobody was heard since `started`.
fn standing<R: AsyncRuntime>(
    me: MemberId,
    state: &RaftState<GroupTypes<R>>,
    contact: &Contact,
    started: R::Instant,
) -> Standing {
    let voters: Vec<_> = state.membership_state.effective().voter_ids().collect();
    if state.server_state == ServerState::Leader || !voters.contains(&me) {
        return Standing::Idle;
    }
    if voters == [me] {
        return Standing::Alone;
    }
    let vote = state.vote_ref();
    let LeaderId { term, voted_for } = vote.leader_id;
    if voted_for == me && !vote.committed && contact.was_refused(term) {
        return Standing::Refused;
    }
    let since = state.vote_last_modified().unwrap_or(started);
    Standing::OneOfMany {
        silence: since.elapsed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: CampaignTimes = CampaignTimes {
        silence_max: Duration::from_millis(350),
        heartbeat: Duration::from_millis(60),
        spread: Duration::from_millis(150),
    };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn silent(millis: u64) -> Standing {
        Standing::OneOfMany {
            silence: ms(millis),
        }
    }

    #[test]
    fn nobody_stands_while_a_leader_speaks() {
        let mut patience = Patience::new(TIMES, 0.0);
        for now in (0..10_000).step_by(400) {
            let (step, pause) = patience.step(silent(30), ms(now));
            assert_eq!((step, pause), (Step::Look, ms(380)));
        }
        assert_eq!(patience.step(Standing::Idle, ms(0)).0, Step::Look);
    }

    #[test]
    fn silence_makes_a_member_ask_and_refusals_make_it_patient() {
        let mut patience = Patience::new(TIMES, 0.5);
        assert_eq!(
            patience.step(silent(400), ms(0)),
            (Step::Look, ms(350 + 60 + 75 - 400))
        );
        assert_eq!(patience.step(silent(485), ms(85)), (Step::Ask, RETRY));
        // Twice the spread, half of which it got by chance.
        assert_eq!(
            patience.step(silent(585), ms(185)),
            (Step::Look, ms(85 + 100 + 150 - 185))
        );
        assert_eq!(patience.step(silent(735), ms(335)), (Step::Ask, RETRY));
        for _ in 0..20 {
            patience.tried = None;
            assert_eq!(patience.step(silent(60_000), ms(500)).0, Step::Ask);
        }
        let (step, pause) = patience.step(silent(60_000), ms(500));
        assert_eq!((step, pause), (Step::Look, RETRY + ms(600)));
        // A leader again.
        patience.step(silent(10), ms(5_000));
        assert_eq!(patience.attempts, 0);
    }

    #[test]
    fn a_vote_that_is_on_its_way_is_given_time() {
        let mut patience = Patience::new(TIMES, 0.0);
        assert_eq!(patience.step(silent(500), ms(0)).0, Step::Ask);
        // Its own candidacy, or another's, which it supports.
        assert_eq!(
            patience.step(silent(20), ms(120)),
            (Step::Look, ms(350 + 60 - 20))
        );
    }

    #[test]
    fn who_was_refused_asks_again_soon_and_ever_more_rarely() {
        let mut patience = Patience::new(TIMES, 0.5);
        assert_eq!(patience.step(silent(500), ms(0)).0, Step::Ask);
        let pauses = [150, 300, 600, 600].map(ms);
        let mut now = ms(0);
        for pause in pauses {
            assert_eq!(
                patience.step(Standing::Refused, now),
                (Step::Look, RETRY + pause)
            );
            now += RETRY + pause;
            assert_eq!(patience.step(Standing::Refused, now).0, Step::Ask);
        }
        // It has voted for another one.
        assert_eq!(patience.step(silent(0), now).0, Step::Look);
        assert_eq!(patience.attempts, 0);
    }

    #[test]
    fn the_only_voter_stands_at_once() {
        let mut patience = Patience::new(TIMES, 0.9);
        assert_eq!(patience.step(Standing::Alone, ms(0)).0, Step::Stand);
        assert_eq!(patience.step(Standing::Alone, ms(50)).0, Step::Look);
    }
}
