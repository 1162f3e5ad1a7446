//! Every state of a small group, breadth-first. `PACIFICA_STATES=n` sets how many states are looked at in
//! each exploration; `PACIFICA_BOUNDS=writes,crashes,lapses,proposals,reconnects,suspicions,losses,moves`
//! and `PACIFICA_SIZE=servers,members` choose another one.

mod model;

use std::panic::{set_hook, take_hook};
use std::time::Instant;

use model::Size;
use model::explorer::{Bounds, Explored, Explorer};

fn numbers(name: &str) -> Option<Vec<u32>> {
    let text = std::env::var(name).ok()?;
    text.split(',').map(|part| part.parse().ok()).collect()
}

fn states_max() -> usize {
    let given = numbers("PACIFICA_STATES").map(|list| list[0]);
    given.map_or(20_000, |states| usize::try_from(states).expect("32 bits"))
}

/// Explores, tells how far it came, and fails with the shortest way to a violation.
#[allow(clippy::print_stdout, reason = "what was explored is the result")]
fn explore(what: &str, size: Size, bounds: Bounds) -> Explored {
    let begin = Instant::now();
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    let explored = Explorer::new(size, bounds).explore(states_max());
    set_hook(hook);
    println!(
        "{what}: {} states, {} transitions, depth {}, {}, {:.1} s ({size:?}, {bounds:?})",
        explored.states,
        explored.transitions,
        explored.depth,
        if explored.is_complete {
            "complete"
        } else {
            "cut"
        },
        begin.elapsed().as_secs_f64(),
    );
    if let Some((text, path)) = &explored.violation {
        let path: Vec<String> = path.iter().map(|event| format!("  {event:?}")).collect();
        panic!("{what}: {text}\nafter\n{}", path.join("\n"));
    }
    explored
}

const THREE: Size = Size {
    nodes: 3,
    members: 3,
};
const TWO: Size = Size {
    nodes: 2,
    members: 2,
};
const PAIR_AND_SPARE: Size = Size {
    nodes: 3,
    members: 2,
};
const ONE_AND_SPARE: Size = Size {
    nodes: 2,
    members: 1,
};

/// The standard explorations: how many servers, how many of them members, and the bounds.
const STANDARD: [(&str, Size, [u32; 8]); 9] = [
    ("lost connections", THREE, [2, 0, 0, 0, 1, 0, 0, 0]),
    ("a lapse", THREE, [1, 0, 1, 1, 0, 0, 0, 0]),
    ("a crash", THREE, [1, 1, 0, 1, 0, 0, 0, 0]),
    ("a move", THREE, [1, 0, 0, 1, 0, 0, 0, 1]),
    ("a suspicion", THREE, [1, 0, 0, 0, 0, 1, 0, 0]),
    ("two writes and a crash", TWO, [2, 1, 0, 1, 0, 0, 0, 0]),
    ("a learner", PAIR_AND_SPARE, [1, 0, 0, 1, 0, 1, 0, 0]),
    (
        "a learner and a crash",
        ONE_AND_SPARE,
        [1, 1, 0, 1, 0, 0, 0, 0],
    ),
    (
        "a learner and a loss",
        ONE_AND_SPARE,
        [1, 0, 0, 1, 0, 0, 1, 0],
    ),
];

fn bounds(given: [u32; 8]) -> Bounds {
    let [
        writes,
        crashes,
        lapses,
        proposals,
        reconnects,
        suspicions,
        losses,
        moves,
    ] = given;
    Bounds {
        writes: u64::from(writes),
        crashes,
        lapses,
        proposals,
        reconnects,
        suspicions,
        losses,
        moves,
    }
}

#[test]
fn no_state_within_the_bounds_breaks_an_invariant() {
    if let Some(given) = numbers("PACIFICA_BOUNDS") {
        let bounds = bounds(given[..].try_into().expect("eight numbers"));
        let size = numbers("PACIFICA_SIZE").unwrap_or_else(|| vec![3, 3]);
        let count = |index: usize| usize::try_from(size[index]).expect("few");
        let size = Size {
            nodes: count(0),
            members: count(1),
        };
        explore("as asked", size, bounds);
        return;
    }
    for (what, size, given) in STANDARD {
        explore(what, size, bounds(given));
    }
}
