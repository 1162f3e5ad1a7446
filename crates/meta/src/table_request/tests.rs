use super::*;
use crate::testing::state_with_table;
use pegasus_metastore::Version;
use pegasus_wire::meta_admin::{AppEnvOperation, DropAppOptions};

const RULES: TableRules = TableRules {
    replica_count_min: 1,
    replica_count_max: 5,
    partition_count_max: 1024,
    hold_seconds: 100,
};
const CAPACITY: Capacity = Capacity {
    alive_nodes: 4,
    unix_seconds: 1_000,
};

/// Judges a request about table 4, `temp`, while nothing else is under way.
fn judge(state: &ClusterState, request: impl Into<TableRequest>) -> Result<Command, Answer> {
    judge_at(state, FunctionLevel::Steady, request)
}

fn judge_at(
    state: &ClusterState,
    level: FunctionLevel,
    request: impl Into<TableRequest>,
) -> Result<Command, Answer> {
    let situation = Situation {
        state,
        staging: &Staging::default(),
        rules: &RULES,
        capacity: CAPACITY,
        level,
    };
    let change = request.into().judge(situation)?;
    Ok(change.command)
}

fn temp() -> ClusterState {
    state_with_table(4, "temp", 8)
}

fn dropped(expire_second: i64) -> ClusterState {
    let mut state = temp();
    let drop = Command::DropTable {
        id: AppId(4),
        drop_second: 900,
        expire_second,
    };
    state.apply(drop, Version(2));
    state
}

fn drop_for(reserve_seconds: Option<i64>) -> ConfigurationDropAppRequest {
    ConfigurationDropAppRequest {
        app_name: "temp".to_owned(),
        options: DropAppOptions {
            reserve_seconds,
            ..DropAppOptions::default()
        },
    }
}

fn rename(old: &str, new: &str) -> ConfigurationRenameAppRequest {
    ConfigurationRenameAppRequest {
        old_app_name: old.to_owned(),
        new_app_name: new.to_owned(),
    }
}

fn recall(app_id: i32, name: &str) -> ConfigurationRecallAppRequest {
    ConfigurationRecallAppRequest {
        app_id,
        new_app_name: name.to_owned(),
    }
}

fn replicas(name: &str, count: i32) -> ConfigurationSetMaxReplicaCountRequest {
    ConfigurationSetMaxReplicaCountRequest {
        app_name: name.to_owned(),
        max_replica_count: count,
    }
}

fn set_env(key: &str, value: &str) -> ConfigurationUpdateAppEnvRequest {
    ConfigurationUpdateAppEnvRequest {
        app_name: "temp".to_owned(),
        op: AppEnvOperation::APP_ENV_OP_SET,
        keys: Some(vec![key.to_owned()]),
        values: Some(vec![value.to_owned()]),
        clear_prefix: None,
    }
}

/// The error of an answer.
fn code(answer: &Answer) -> ErrorCode {
    match answer {
        Answer::CreateApp(response) => response.err,
        Answer::DropApp(response) => response.err,
        Answer::RecallApp(response) => response.err,
        Answer::RenameApp(response) => response.err,
        Answer::UpdateAppEnv(response) => response.err,
        Answer::SetReplicaCount(response) => response.err,
        Answer::SetAtomicIdempotent(response) => response.err,
        Answer::UpdateConfiguration(response) => response.err,
    }
}

fn refused(state: &ClusterState, request: impl Into<TableRequest>) -> ErrorCode {
    code(&judge(state, request).expect_err("no change"))
}

#[test]
fn a_drop_keeps_the_data_as_long_as_asked() {
    let expires = |reserve| match judge(&temp(), drop_for(reserve)) {
        Ok(Command::DropTable { expire_second, .. }) => expire_second,
        other => panic!("{other:?}"),
    };
    assert_eq!(expires(None), 1_100);
    assert_eq!(expires(Some(0)), 1_100);
    assert_eq!(expires(Some(7)), 1_007);
    let mut missing = drop_for(None);
    missing.app_name = "other".to_owned();
    assert_eq!(refused(&temp(), missing.clone()), ErrorCode::AppNotExist);
    missing.options.success_if_not_exist = true;
    assert_eq!(refused(&temp(), missing), ErrorCode::Ok);
}

#[test]
fn a_dropped_table_is_recalled_until_it_expires() {
    let Ok(Command::RecallTable(table)) = judge(&dropped(1_001), recall(4, "")) else {
        panic!("a recall");
    };
    assert_eq!((table.id, table.name.as_str()), (AppId(4), "temp"));
    assert_eq!((table.drop_second, table.expire_second), (0, 0));
    let Ok(Command::RecallTable(table)) = judge(&dropped(1_001), recall(4, "again")) else {
        panic!("a recall");
    };
    assert_eq!(table.name, "again");
    assert_eq!(
        refused(&dropped(1_000), recall(4, "")),
        ErrorCode::AppNotExist
    );
    assert_eq!(
        refused(&dropped(1_001), recall(5, "")),
        ErrorCode::AppNotExist
    );
    assert_eq!(refused(&temp(), recall(4, "")), ErrorCode::AppExist);
    let mut taken = dropped(1_001);
    let other = crate::testing::table(5, "temp", 2);
    taken.apply(Command::CreateTable(other), Version(3));
    assert_eq!(refused(&taken, recall(4, "")), ErrorCode::InvalidParameters);
    assert_eq!(
        refused(&taken, recall(4, "a b")),
        ErrorCode::InvalidParameters
    );
    assert!(judge(&taken, recall(4, "free")).is_ok());
}

#[test]
fn a_table_takes_a_free_and_plain_name() {
    let Ok(Command::UpdateTable(table)) = judge(&temp(), rename("temp", "new")) else {
        panic!("a rename");
    };
    assert_eq!((table.id, table.name.as_str()), (AppId(4), "new"));
    for bad in ["temp", "", "a b", "a/b"] {
        let refused = refused(&temp(), rename("temp", bad));
        assert_eq!(refused, ErrorCode::InvalidParameters, "{bad}");
    }
    assert_eq!(refused(&temp(), rename("x", "y")), ErrorCode::AppNotExist);
}

#[test]
fn names_that_are_being_taken_are_in_use() {
    let state = temp();
    let mut staging = Staging::default();
    staging.claim("soon", AppId(5));
    let situation = Situation {
        state: &state,
        staging: &staging,
        rules: &RULES,
        capacity: CAPACITY,
        level: FunctionLevel::Steady,
    };
    let judge = |request: ConfigurationRenameAppRequest| {
        code(&TableRequest::from(request).judge(situation).unwrap_err())
    };
    assert_eq!(judge(rename("temp", "soon")), ErrorCode::InvalidParameters);
    assert_eq!(judge(rename("soon", "other")), ErrorCode::BusyCreating);
}

#[test]
fn environments_are_checked_and_kept() {
    let Ok(Command::UpdateTable(table)) = judge(&temp(), set_env("default_ttl", "10")) else {
        panic!("a change");
    };
    assert_eq!(table.envs["default_ttl"], "10");
    let bad = set_env("default_ttl", "-10");
    assert_eq!(refused(&temp(), bad), ErrorCode::InvalidParameters);
    let mut missing = set_env("default_ttl", "10");
    missing.app_name = "x".to_owned();
    assert_eq!(refused(&temp(), missing.clone()), ErrorCode::AppNotExist);
    missing.op = AppEnvOperation::APP_ENV_OP_INVALID;
    assert_eq!(
        refused(&temp(), missing),
        ErrorCode::InvalidParameters,
        "the request is looked at before the table"
    );
    let nothing = ConfigurationUpdateAppEnvRequest {
        op: AppEnvOperation::APP_ENV_OP_CLEAR,
        clear_prefix: Some(String::new()),
        ..set_env("", "")
    };
    assert_eq!(refused(&temp(), nothing), ErrorCode::Ok);
}

#[test]
fn replicas_are_as_many_as_allowed_and_as_there_are_servers() {
    let expected = Command::SetReplicaCount {
        id: AppId(4),
        count: 4,
    };
    assert_eq!(judge(&temp(), replicas("temp", 4)), Ok(expected));
    for bad in [-1, 0, 5, 6] {
        let answer = judge(&temp(), replicas("temp", bad)).unwrap_err();
        let Answer::SetReplicaCount(response) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(response.err, ErrorCode::InvalidParameters, "{bad}");
        assert_eq!(response.old_max_replica_count, 3);
    }
    assert_eq!(refused(&temp(), replicas("temp", 3)), ErrorCode::Ok);
    assert_eq!(refused(&temp(), replicas("x", 4)), ErrorCode::AppNotExist);
    let frozen = judge_at(&temp(), FunctionLevel::Freezed, replicas("temp", 4));
    assert_eq!(code(&frozen.unwrap_err()), ErrorCode::StateFreezed);
}

#[test]
fn atomic_operations_are_marked_idempotent() {
    let request = |atomic_idempotent| ConfigurationSetAtomicIdempotentRequest {
        app_name: "temp".to_owned(),
        atomic_idempotent,
    };
    let Ok(Command::UpdateTable(table)) = judge(&temp(), request(true)) else {
        panic!("a change");
    };
    assert!(table.atomic_idempotent);
    assert_eq!(refused(&temp(), request(false)), ErrorCode::Ok);
    let frozen = judge_at(&temp(), FunctionLevel::Freezed, request(true));
    assert_eq!(code(&frozen.unwrap_err()), ErrorCode::StateFreezed);
}
