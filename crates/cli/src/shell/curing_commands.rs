//! Commands for hard times: `get_meta_level`, `set_meta_level`, `propose`, `ddd_diagnose`.

use pegasus_client::{Change, ConfigType, DddPartitionInfo, Urgency};
use pegasus_common::RpcAddress;
use pegasus_common::clock::WallMicros;
use serde_json::{Value, json};

use super::ShellError;
use super::context::Context;
use super::curing_arguments::{DddDiagnoseArgs, Level, ProposeArgs};

impl Context {
    /// `get_meta_level`
    pub(super) async fn get_meta_level(&mut self) -> Result<(), ShellError> {
        let level = self.cluster.admin().meta_level().await?;
        let level = level.name().unwrap_or("unknown");
        self.done(
            &format!("current meta level is {level}"),
            &json!({"meta_level": level}),
        )
    }

    /// `set_meta_level`
    pub(super) async fn set_meta_level(&mut self, level: Level) -> Result<(), ShellError> {
        let old = self.cluster.admin().set_meta_level(level.wire()).await?;
        let old = old.name().unwrap_or("unknown");
        self.done(
            &format!("control meta level ok, the old level is {old}"),
            &json!({"old_meta_level": old}),
        )
    }

    /// `propose`
    pub(super) async fn propose(&mut self, args: &ProposeArgs) -> Result<(), ShellError> {
        let change = Change {
            gpid: args.gpid,
            target: args.target,
            node: args.node,
            kind: args.kind,
            urgency: match args.force {
                true => Urgency::Forced,
                false => Urgency::Usual,
            },
        };
        self.cluster.admin().propose(change).await?;
        let text = "send proposal response: ERR_OK";
        self.done(text, &json!({"proposed": true}))
    }

    /// `ddd_diagnose`
    pub(super) async fn ddd_diagnose(&mut self, args: &DddDiagnoseArgs) -> Result<(), ShellError> {
        let partitions = self.cluster.admin().diagnose(args.selection()).await?;
        let mut reports = Vec::new();
        self.progress(&format!("Total {} ddd partitions:", partitions.len()))?;
        for partition in &partitions {
            let recommended = recommended(partition);
            self.progress(&describe(partition, recommended, args))?;
            reports.push(report(partition, recommended));
            let Some(node) = recommended.filter(|_| args.auto_diagnose) else {
                continue;
            };
            let change = Change {
                gpid: partition.config.pid,
                target: node,
                node,
                kind: ConfigType::CT_ASSIGN_PRIMARY,
                urgency: Urgency::Forced,
            };
            self.cluster.admin().propose(change).await?;
            self.progress(&format!("    assigned primary {node}"))?;
        }
        match partitions.is_empty() {
            true => self.done("No ddd partitions", &json!([])),
            false => self.done("", &Value::from(reports)),
        }
    }
}

/// The former member that may become the primary without losing an acknowledged write, by the rule
/// of the original shell: of the last two that left, those count that live and have reported. One
/// alone must have all that the configuration knows as committed; of two, the one with more.
fn recommended(partition: &DddPartitionInfo) -> Option<RpcAddress> {
    let committed_at_least = partition.config.last_committed_decree;
    let last_two: Vec<RpcAddress> = partition
        .config
        .last_drops
        .iter()
        .rev()
        .take(2)
        .copied()
        .collect();
    if last_two.len() < 2 {
        return None;
    }
    let reported = partition.dropped.iter().filter(|dropped| {
        last_two.contains(&dropped.node) && dropped.is_alive && dropped.is_collected
    });
    let best = reported.max_by_key(|dropped| {
        let is_last = last_two.first() == Some(&dropped.node);
        (dropped.last_committed_decree, dropped.ballot, is_last)
    })?;
    (best.last_committed_decree >= committed_at_least).then_some(best.node)
}

fn describe(
    partition: &DddPartitionInfo,
    recommended: Option<RpcAddress>,
    args: &DddDiagnoseArgs,
) -> String {
    let config = &partition.config;
    let last_drops: Vec<String> = config.last_drops.iter().map(ToString::to_string).collect();
    let mut lines = vec![
        format!("[{}]", config.pid),
        format!(
            "    config: ballot({}), last_committed({}), last_drops({})",
            config.ballot,
            config.last_committed_decree,
            last_drops.join(", ")
        ),
        format!("    ddd_reason: {}", partition.reason),
    ];
    if args.diagnose || args.auto_diagnose {
        for dropped in &partition.dropped {
            let date = WallMicros(dropped.drop_time_ms.saturating_mul(1_000));
            lines.push(format!(
                "    {}: drop_time({date}), alive({}), collected({}), ballot({}), \
                 last_committed({}), last_prepared({})",
                dropped.node,
                dropped.is_alive,
                dropped.is_collected,
                dropped.ballot,
                dropped.last_committed_decree,
                dropped.last_prepared_decree
            ));
        }
    }
    let recommendation = recommended.map_or("none".to_owned(), |node| node.to_string());
    lines.push(format!("    recommended_primary: {recommendation}"));
    lines.join("\n")
}

fn report(partition: &DddPartitionInfo, recommended: Option<RpcAddress>) -> Value {
    let dropped = partition.dropped.iter().map(|dropped| {
        json!({
            "node": dropped.node.to_string(),
            "drop_time_ms": dropped.drop_time_ms,
            "alive": dropped.is_alive,
            "collected": dropped.is_collected,
            "ballot": dropped.ballot,
            "last_committed_decree": dropped.last_committed_decree,
            "last_prepared_decree": dropped.last_prepared_decree,
        })
    });
    json!({
        "gpid": partition.config.pid.to_string(),
        "ballot": partition.config.ballot,
        "last_committed_decree": partition.config.last_committed_decree,
        "reason": partition.reason,
        "dropped": dropped.collect::<Vec<_>>(),
        "recommended_primary": recommended.map(|node| node.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pegasus_wire::meta_admin::DddNodeInfo;

    fn address(port: u16) -> RpcAddress {
        format!("127.0.0.1:{port}").parse().unwrap()
    }

    fn dropped(port: u16, ballot: i64, committed: i64) -> DddNodeInfo {
        DddNodeInfo {
            node: address(port),
            is_alive: true,
            is_collected: true,
            ballot,
            last_committed_decree: committed,
            ..DddNodeInfo::default()
        }
    }

    /// Three members left, 3 last; the configuration knows decree 10 as committed.
    fn partition(nodes: &[DddNodeInfo]) -> DddPartitionInfo {
        let mut partition = DddPartitionInfo::default();
        partition.config.last_drops = [1, 2, 3].map(address).to_vec();
        partition.config.last_committed_decree = 10;
        partition.dropped = nodes.to_vec();
        partition
    }

    #[test]
    fn of_the_last_two_the_one_with_more_is_recommended() {
        let recommended_of = |nodes: &[DddNodeInfo]| recommended(&partition(nodes));
        let two = [dropped(2, 5, 12), dropped(3, 5, 11)];
        assert_eq!(recommended_of(&two), Some(address(2)));
        let equal = [dropped(2, 5, 12), dropped(3, 5, 12)];
        assert_eq!(
            recommended_of(&equal),
            Some(address(3)),
            "the last that left"
        );
        let ballots = [dropped(2, 6, 12), dropped(3, 5, 12)];
        assert_eq!(recommended_of(&ballots), Some(address(2)));
    }

    #[test]
    fn one_that_misses_committed_writes_is_never_recommended() {
        assert_eq!(recommended(&partition(&[dropped(3, 5, 9)])), None);
        assert_eq!(
            recommended(&partition(&[dropped(1, 9, 99)])),
            None,
            "it left first"
        );
        let mut silent = dropped(3, 5, 12);
        silent.is_collected = false;
        assert_eq!(recommended(&partition(&[silent])), None);
        let mut lonely = partition(&[dropped(3, 5, 12)]);
        lonely.config.last_drops = vec![address(3)];
        assert_eq!(recommended(&lonely), None);
    }
}
