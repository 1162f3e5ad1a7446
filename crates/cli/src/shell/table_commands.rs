//! Tables: `ls`, `app`, `create`, `drop`.

use std::collections::BTreeMap;
use std::time::Duration;

use pegasus_client::{
    AppInfo, AppStatus, ClientError, CreateTable, IfExists, IfMissing, Partitions,
};
use pegasus_common::RpcAddress;
use pegasus_common::clock::CivilDate;
use serde_json::json;
use tokio::time::Instant;

use super::ShellError;
use super::commands::{AppArgs, AppFilter, CreateArgs, DropArgs, LsArgs, NameMatch};
use super::context::Context;
use super::health::{Health, member_count};
use super::tables::Align::Left;
use super::tables::{ColumnTable, FieldTable, Report};

/// How long `create` waits for the new table.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// How often it looks.
const READY_POLL: Duration = Duration::from_millis(200);
/// How often it says so.
const READY_NOTE: Duration = Duration::from_secs(2);

impl Context {
    /// `ls`
    pub(super) async fn ls(&mut self, args: &LsArgs) -> Result<(), ShellError> {
        let status = match (args.status, args.all) {
            (Some(AppFilter::All), _) | (None, true) => AppStatus::AS_INVALID,
            (Some(AppFilter::Creating), _) => AppStatus::AS_CREATING,
            (Some(AppFilter::Dropping), _) => AppStatus::AS_DROPPING,
            (Some(AppFilter::Dropped), _) => AppStatus::AS_DROPPED,
            (Some(AppFilter::Available), _) | (None, false) => AppStatus::AS_AVAILABLE,
        };
        let mut apps = self.cluster.admin().list_apps(status).await?;
        if status == AppStatus::AS_AVAILABLE {
            self.note_table_names(apps.iter().map(|app| app.app_name.clone()).collect());
        }
        apps.retain(|app| name_matches(args, &app.app_name));
        let available = |app: &&AppInfo| app.status == AppStatus::AS_AVAILABLE;
        let mut summary = FieldTable::new("summary")
            .field("total_app_count", apps.iter().filter(available).count());
        let mut report = Report::from(general_info(&apps));
        if args.detailed {
            let (table, healths) = self.healthy_info(apps.iter().filter(available)).await?;
            let count = |unhealthy: fn(&Health) -> bool| {
                healths.iter().filter(|health| unhealthy(health)).count()
            };
            report = report.columns(table);
            summary = summary
                .field(
                    "fully_healthy_app_count",
                    count(|health| health.unhealthy() == 0),
                )
                .field(
                    "unhealthy_app_count",
                    count(|health| health.unhealthy() > 0),
                )
                .field(
                    "write_unhealthy_app_count",
                    count(|health| health.write_unhealthy > 0),
                )
                .field(
                    "read_unhealthy_app_count",
                    count(|health| health.read_unhealthy > 0),
                );
        }
        self.show(&report.fields(summary))
    }

    async fn healthy_info<'a>(
        &self,
        apps: impl Iterator<Item = &'a AppInfo>,
    ) -> Result<(ColumnTable, Vec<Health>), ShellError> {
        let mut table = ColumnTable::new(
            "healthy_info",
            &[
                ("app_id", Left),
                ("app_name", Left),
                ("partition_count", Left),
                ("fully_healthy", Left),
                ("unhealthy", Left),
                ("write_unhealthy", Left),
                ("read_unhealthy", Left),
            ],
        );
        let mut healths = Vec::new();
        for app in apps {
            let partitions = self.cluster.admin().partitions(&app.app_name).await?;
            let health = Health::of(&partitions);
            table.row(vec![
                app.app_id.to_string(),
                app.app_name.clone(),
                health.partitions.to_string(),
                health.fully_healthy.to_string(),
                health.unhealthy().to_string(),
                health.write_unhealthy.to_string(),
                health.read_unhealthy.to_string(),
            ]);
            healths.push(health);
        }
        Ok((table, healths))
    }

    /// `app`
    pub(super) async fn app(&mut self, args: &AppArgs) -> Result<(), ShellError> {
        let partitions = self.cluster.admin().partitions(&args.app_name).await?;
        let max_replica_count = partitions.members[0].max_replica_count;
        let general = FieldTable::new("general")
            .field("app_name", &args.app_name)
            .field("app_id", partitions.app_id)
            .field("partition_count", partitions.count())
            .field("max_replica_count", max_replica_count);
        let parameters = FieldTable::new("parameters")
            .field("app_name", &args.app_name)
            .field("detailed", args.detailed);
        let mut report = Report::from(parameters).fields(general);
        if args.detailed {
            let health = Health::of(&partitions);
            let healthy = FieldTable::new("healthy")
                .field("fully_healthy_partition_count", health.fully_healthy)
                .field("unhealthy_partition_count", health.unhealthy())
                .field("write_unhealthy_partition_count", health.write_unhealthy)
                .field("read_unhealthy_partition_count", health.read_unhealthy);
            report = report
                .columns(replicas(&partitions))
                .columns(nodes(&partitions))
                .fields(healthy);
        }
        self.show(&report)
    }

    /// `create`
    pub(super) async fn create(&mut self, args: CreateArgs) -> Result<(), ShellError> {
        let name = args.app_name;
        let if_exists = if args.fail_if_exist {
            IfExists::Fail
        } else {
            IfExists::Succeed
        };
        let mut table = CreateTable::new(&name)
            .partition_count(args.partition_count)
            .replica_count(args.replica_count)
            .if_exists(if_exists);
        for (key, value) in args.envs {
            table = table.env(key, value);
        }
        if args.atomic_idempotent {
            table = table.atomic_idempotent();
        }
        let app_id = self.cluster.admin().create_app(&table).await?;
        self.progress(&format!("create app {name} succeed, waiting for app ready"))?;
        self.wait_until_ready(&name, args.replica_count).await?;
        let names = self.table_names().await;
        self.note_table_names(names);
        self.done(
            &format!("create app \"{name}\" succeed"),
            &json!({"app_name": name, "app_id": app_id}),
        )
    }

    /// Waits until each partition has a primary and all its members.
    pub(super) async fn wait_until_ready(
        &mut self,
        name: &str,
        replicas: i32,
    ) -> Result<(), ShellError> {
        let deadline = Instant::now() + READY_TIMEOUT;
        let mut next_note = Instant::now() + READY_NOTE;
        loop {
            let (ready, total) = match self.cluster.admin().partitions(name).await {
                Ok(partitions) => {
                    let members = partitions.members.iter();
                    let ready = members.filter(|members| {
                        members.primary.is_some() && member_count(members) >= replicas
                    });
                    (ready.count(), partitions.members.len())
                }
                // Still being created.
                Err(ClientError::Table { .. }) => (0, usize::MAX),
                Err(error) => return Err(error.into()),
            };
            if ready >= total {
                self.progress(&format!("{name} is ready now: ({ready}/{total})"))?;
                return self.progress(&format!("{name} is ready now!"));
            }
            let now = Instant::now();
            if now >= deadline {
                let seconds = READY_TIMEOUT.as_secs();
                let message = format!(
                    "{name} is there but not ready after {seconds} s: {ready} partitions \
                     are; see 'app {name} -d' and 'nodes'"
                );
                return Err(ShellError::Failed(message));
            }
            if now >= next_note {
                next_note = now + READY_NOTE;
                let total = if total == usize::MAX { 0 } else { total };
                self.progress(&format!(
                    "{name} not ready yet, still waiting... ({ready}/{total})"
                ))?;
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    /// `drop`
    pub(super) async fn drop_table(&mut self, args: &DropArgs) -> Result<(), ShellError> {
        let seconds = u64::from(args.reserve_seconds);
        let reserve = (seconds > 0).then_some(Duration::from_secs(seconds));
        let admin = self.cluster.admin();
        admin
            .drop_app(&args.app_name, reserve, IfMissing::Fail)
            .await?;
        if reserve.is_some() {
            self.progress(&format!("reserve_seconds = {seconds}"))?;
        }
        let names = self.table_names().await;
        self.note_table_names(names);
        self.done(
            &format!("drop app {} succeed", args.app_name),
            &json!({"app_name": args.app_name}),
        )
    }
}

fn name_matches(args: &LsArgs, name: &str) -> bool {
    let Some(pattern) = &args.app_name_pattern else {
        return true;
    };
    match args.match_type {
        NameMatch::All => true,
        NameMatch::Exact => name == pattern,
        NameMatch::Anywhere => name.contains(pattern.as_str()),
        NameMatch::Prefix => name.starts_with(pattern.as_str()),
        NameMatch::Postfix => name.ends_with(pattern.as_str()),
    }
}

fn general_info(apps: &[AppInfo]) -> ColumnTable {
    const COLUMNS: [&str; 12] = [
        "app_id",
        "status",
        "app_name",
        "app_type",
        "partition_count",
        "replica_count",
        "is_stateful",
        "create_time",
        "drop_time",
        "drop_expire",
        "envs_count",
        "atomic_idempotent",
    ];
    let mut table = ColumnTable::new("general_info", &COLUMNS.map(|title| (title, Left)));
    for app in apps {
        table.row(vec![
            app.app_id.to_string(),
            status_name(app.status),
            app.app_name.clone(),
            app.app_type.clone(),
            app.partition_count.to_string(),
            app.max_replica_count.to_string(),
            app.is_stateful.to_string(),
            time(app.create_second),
            time(app.drop_second),
            time(app.expire_second),
            app.envs.len().to_string(),
            app.atomic_idempotent.unwrap_or(false).to_string(),
        ]);
    }
    table
}

/// `AS_AVAILABLE` is shown as `AVAILABLE`.
fn status_name(status: AppStatus) -> String {
    match status.name() {
        Some(name) => name.trim_start_matches("AS_").to_owned(),
        None => status.0.to_string(),
    }
}

/// UTC, in one word so that columns can be cut by spaces; `-` for none.
fn time(unix_seconds: i64) -> String {
    if unix_seconds <= 0 {
        return "-".to_owned();
    }
    let at = CivilDate::of_unix_seconds(unix_seconds);
    format!(
        "{:04}-{:02}-{:02}_{:02}:{:02}:{:02}",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

fn replicas(partitions: &Partitions) -> ColumnTable {
    let columns = ["pidx", "ballot", "replica_count", "primary", "secondaries"];
    let mut table = ColumnTable::new("replicas", &columns.map(|title| (title, Left)));
    for members in &partitions.members {
        let primary = members.primary.map(|primary| primary.to_string());
        let secondaries = members.secondaries.iter().map(ToString::to_string);
        table.row(vec![
            members.gpid.partition_index.0.to_string(),
            members.ballot.to_string(),
            format!("{}/{}", member_count(members), members.max_replica_count),
            primary.unwrap_or_else(|| "-".to_owned()),
            format!("[{}]", secondaries.collect::<Vec<_>>().join(",")),
        ]);
    }
    table
}

fn nodes(partitions: &Partitions) -> ColumnTable {
    let mut roles: BTreeMap<RpcAddress, (u32, u32)> = BTreeMap::new();
    for members in &partitions.members {
        if let Some(primary) = members.primary {
            roles.entry(primary).or_default().0 += 1;
        }
        for secondary in &members.secondaries {
            roles.entry(*secondary).or_default().1 += 1;
        }
    }
    let columns = [
        ("node", Left),
        ("primary", Left),
        ("secondary", Left),
        ("total", Left),
    ];
    let mut table = ColumnTable::new("nodes", &columns);
    let mut row = |node: String, (primary, secondary): (u32, u32)| {
        let total = primary + secondary;
        table.row(vec![
            node,
            primary.to_string(),
            secondary.to_string(),
            total.to_string(),
        ]);
    };
    let mut sum = (0, 0);
    for (node, (primary, secondary)) in roles {
        sum = (sum.0 + primary, sum.1 + secondary);
        row(node.to_string(), (primary, secondary));
    }
    row(String::new(), sum);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_one_word_and_missing_ones_a_dash() {
        assert_eq!(time(1_451_606_400), "2016-01-01_00:00:00");
        assert_eq!(time(0), "-");
    }

    #[test]
    fn statuses_lose_their_prefix() {
        assert_eq!(status_name(AppStatus::AS_DROPPED), "DROPPED");
        assert_eq!(status_name(AppStatus(99)), "99");
    }
}
