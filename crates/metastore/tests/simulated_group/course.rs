//! One course: a group, its clients, what goes wrong, and what must hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::AsyncRuntime as _;
use openraft_rt_sim::SimRuntime;
use parking_lot::Mutex;
use pegasus_metastore::{Epoch, MetadataStore as _, ScanRange, Transaction};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::clients::{Manner, Seen, client};
use crate::disk::Kind;
use crate::members::{Members, now};
use crate::wires::Wires;

/// The first of them is late.
const CLIENTS: u32 = 4;
/// How long things go wrong.
const TROUBLE: Duration = Duration::from_secs(12);
/// How soon after that the group must have a leader that commits.
const HEALING_MAX: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

/// What happened, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    pub reigns: u64,
    pub commits: u64,
    pub operations: u64,
    pub crashes: u64,
    pub cuts: u64,
    pub simulated: Duration,
}

impl Course {
    pub fn add(&mut self, other: &Self) {
        self.reigns += other.reigns;
        self.commits += other.commits;
        self.operations += other.operations;
        self.crashes += other.crashes;
        self.cuts += other.cuts;
        self.simulated += other.simulated;
    }
}

/// Runs a course; says what was wrong.
pub fn run(seed: u64, disks: Kind) -> Result<Course, String> {
    SimRuntime::with_seed(seed).block_on(troubled(seed, disks))
}

/// Runs a course in which nothing goes wrong.
pub fn run_undisturbed(seed: u64, disks: Kind) -> Result<Course, String> {
    SimRuntime::with_seed(seed).block_on(undisturbed(seed, disks))
}

async fn troubled(seed: u64, disks: Kind) -> Result<Course, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let count = [1, 3, 3, 3, 5][random.random_range(0..5)];
    let trouble = [0.0, 0.01, 0.05][random.random_range(0..3)];
    let mut scene = Scene::set(count, trouble, disks, &mut random).await;
    let mut course = Course::default();
    go_wrong(&scene.members, &mut random, &mut scene.watch, &mut course).await?;
    heal(&scene.members, &mut scene.watch).await?;
    scene.end(course)
}

async fn undisturbed(seed: u64, disks: Kind) -> Result<Course, String> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut scene = Scene::set(3, 0.0, disks, &mut random).await;
    while now() < TROUBLE {
        SimRuntime::sleep(LOOK).await;
        scene.watch.look(&scene.members)?;
    }
    scene.end(Course::default())
}

/// A group, its clients, and who looks at it.
struct Scene {
    members: Arc<Members>,
    seen: Arc<Mutex<Seen>>,
    watch: Watch,
}

impl Scene {
    async fn set(count: usize, trouble: f64, disks: Kind, random: &mut StdRng) -> Self {
        let wires = Wires {
            listening: BTreeMap::new(),
            cut: BTreeSet::new(),
            trouble,
            random: StdRng::seed_from_u64(random.random()),
        };
        let members = Arc::new(Members::new(count, wires, random, disks));
        for member in 0..count {
            members.start(member).await;
        }
        let seen = Arc::new(Mutex::new(Seen::default()));
        for id in 0..CLIENTS {
            let (members, seen) = (Arc::clone(&members), Arc::clone(&seen));
            let manner = match id {
                0 => Manner::Late,
                _ => Manner::Prompt,
            };
            drop(SimRuntime::spawn(client(
                id,
                manner,
                random.random(),
                members,
                seen,
            )));
        }
        Self {
            members,
            seen,
            watch: Watch::default(),
        }
    }

    /// Judges what was seen, and counts it.
    fn end(self, mut course: Course) -> Result<Course, String> {
        let mut seen = self.seen.lock();
        seen.ends = true;
        seen.judge()?;
        course.reigns = self.watch.first_seen.len() as u64;
        course.commits = seen.commits.len() as u64;
        course.operations = seen.records.len() as u64;
        course.simulated = now();
        Ok(course)
    }
}

/// Lets members crash and links break, at random.
async fn go_wrong(
    members: &Members,
    random: &mut StdRng,
    watch: &mut Watch,
    course: &mut Course,
) -> Result<(), String> {
    let mut next = now() + Duration::from_millis(random.random_range(200..2_000));
    let mut down: BTreeMap<usize, Duration> = BTreeMap::new();
    while now() < TROUBLE {
        SimRuntime::sleep(LOOK).await;
        watch.look(members)?;
        let back: Vec<_> = down.iter().filter(|(_, until)| **until <= now()).collect();
        for member in back
            .into_iter()
            .map(|(member, _)| *member)
            .collect::<Vec<_>>()
        {
            down.remove(&member);
            members.start(member).await;
        }
        if now() < next {
            continue;
        }
        next = now() + Duration::from_millis(random.random_range(50..1_500));
        let member = random.random_range(0..members.count());
        match random.random_range(0..6) {
            0 | 1 if !down.contains_key(&member) => {
                course.crashes += 1;
                members.crash(member);
                let pause = Duration::from_millis(random.random_range(0..2_500));
                down.insert(member, now() + pause);
            }
            2 | 3 => {
                course.cuts += 1;
                let others = (0..members.count()).filter(|&other| other != member);
                let ways: Vec<_> = match random.random_range(0..4) {
                    0 => others.map(|other| (member, other)).collect(),
                    1 => others.map(|other| (other, member)).collect(),
                    2 => others.take(1).map(|other| (member, other)).collect(),
                    _ => others
                        .flat_map(|other| [(member, other), (other, member)])
                        .collect(),
                };
                members.wires.lock().cut.extend(ways);
            }
            4 => {
                if let Some(store) = members.store(member)
                    && let Some(epoch) = store.leadership().borrow().epoch()
                {
                    let store = Arc::clone(&store);
                    drop(SimRuntime::spawn(async move {
                        drop(store.resign(epoch).await);
                        SimRuntime::sleep(Duration::from_millis(300)).await;
                        drop(store.campaign().await);
                    }));
                }
            }
            // Some of them first: whoever was cut off from all hears one before the others.
            _ if random.random() => {
                let mut wires = members.wires.lock();
                wires.cut.retain(|_| random.random());
            }
            _ => members.wires.lock().cut.clear(),
        }
    }
    for member in down.into_keys() {
        members.start(member).await;
    }
    Ok(())
}

/// Ends all trouble. Soon somebody leads and commits, and the next leader has the same content.
async fn heal(members: &Members, watch: &mut Watch) -> Result<(), String> {
    {
        let mut wires = members.wires.lock();
        wires.cut.clear();
        wires.trouble = 0.0;
    }
    let deadline = now() + HEALING_MAX;
    let mut contents = Vec::new();
    while contents.len() < 2 {
        SimRuntime::sleep(LOOK).await;
        watch.look(members)?;
        if now() > deadline {
            return Err(format!(
                "no leader commits {HEALING_MAX:?} after the last fault"
            ));
        }
        let stores = (0..members.count()).filter_map(|member| members.store(member));
        let leads = stores.filter_map(|s| Some((s.leadership().borrow().epoch()?, s)));
        let Some((epoch, store)) = leads.max_by_key(|(epoch, _)| *epoch) else {
            continue;
        };
        let last = Transaction::new().put("last", "1");
        if contents.is_empty() && store.commit(epoch, last).await.is_err() {
            continue;
        }
        let Ok(entries) = store.scan(ScanRange::of_prefix("last"), 100).await else {
            continue;
        };
        contents.push(entries.len());
        drop(store.resign(epoch).await);
        drop(store.campaign().await);
    }
    if contents != [1, 1] {
        return Err(format!(
            "the next leader has not what was acknowledged: {contents:?}"
        ));
    }
    Ok(())
}

/// Looks at who leads.
#[derive(Default)]
struct Watch {
    /// When a member first showed itself as the leader of an epoch.
    first_seen: BTreeMap<Epoch, Duration>,
}

impl Watch {
    fn look(&mut self, members: &Members) -> Result<(), String> {
        let stores: Vec<_> = (0..members.count())
            .filter_map(|member| members.store(member))
            .collect();
        for store in &stores {
            if let Some(epoch) = store.leadership().borrow().epoch() {
                self.first_seen.entry(epoch).or_insert_with(now);
            }
        }
        for store in &stores {
            let Some(epoch) = store.leadership().borrow().epoch() else {
                continue;
            };
            let later = self.first_seen.range(epoch.next()..).next();
            if let Some((later, since)) = later
                && store.surely_leads(epoch)
                && now() > *since + store.overlap()
            {
                return Err(format!(
                    "epoch {epoch} surely leads {:?} after epoch {later} began",
                    now() - *since
                ));
            }
        }
        Ok(())
    }
}
