//! Records: reading, writing and counting them.

use bytes::Bytes;
use pegasus_client::{
    Completeness, Direction, IncrTtl, MultiGetOptions, MultiGetResult, ScanOptions, TimeToLive,
    Ttl, Values,
};
use pegasus_common::partition_hash;
use serde_json::{Value, json};

use super::ShellError;
use super::context::Context;
use super::data_arguments::{
    IncrArgs, MultiDelArgs, MultiDelRangeArgs, MultiGetRangeArgs, MultiSetArgs, SetArgs,
    SortKeysArgs,
};
use super::key_arguments::{HashKeyArgs, Match, RecordArgs};
use super::tables::FieldTable;

impl Context {
    /// `hash`
    pub(super) async fn hash(&mut self, args: &RecordArgs) -> Result<(), ShellError> {
        let hash = partition_hash::of_parts(&args.hash_key, &args.sort_key);
        let mut fields = FieldTable::new("").field("key_hash", hash);
        if self.chosen_name().is_some() {
            let table = self.table().await?;
            let partitions = table.partitions();
            let members = partitions.of_hash(hash);
            let primary = members.primary.map(|primary| primary.to_string());
            let secondaries = members.secondaries.iter().map(ToString::to_string);
            fields = fields
                .field("app_name", table.name())
                .field("app_id", partitions.app_id)
                .field("partition_count", partitions.count())
                .field("partition_index", members.gpid.partition_index.0)
                .field("primary", primary.unwrap_or_else(|| "-".to_owned()))
                .field("secondaries", secondaries.collect::<Vec<_>>().join(","));
        }
        self.show(&fields.into())
    }

    /// `set`
    pub(super) async fn set(&mut self, args: SetArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let ttl = Ttl::seconds(args.ttl_in_seconds.unwrap_or(0));
        let record = args.record;
        table
            .set_with_ttl(&record.hash_key, &record.sort_key, args.value, ttl)
            .await?;
        self.answer("OK", json!({"result": "OK"}))
    }

    /// `multi_set`
    pub(super) async fn multi_set(&mut self, args: MultiSetArgs) -> Result<(), ShellError> {
        let mut records: Vec<(Bytes, Bytes)> = Vec::new();
        let (pairs, rest) = args.sort_keys_and_values.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(ShellError::Usage(
                "the last sort key has no value".to_owned(),
            ));
        }
        for [sort_key, value] in pairs {
            if records.iter().any(|(known, _)| known == sort_key) {
                let message = format!("the sort key {} is given twice", self.quoted(sort_key));
                return Err(ShellError::Usage(message));
            }
            records.push((sort_key.clone(), value.clone()));
        }
        let table = self.table().await?;
        table
            .multi_set(&args.hash_key, records, Ttl::Forever)
            .await?;
        self.answer("OK", json!({"result": "OK"}))
    }

    /// `get`
    pub(super) async fn get(&mut self, args: &RecordArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        match table.get(&args.hash_key, &args.sort_key).await? {
            Some(value) => {
                let value_json = json!({"found": true, "value": self.escaped(&value)});
                let text = self.quoted(&value);
                self.answer(&text, value_json)
            }
            None => self.answer("Not found", json!({"found": false})),
        }
    }

    /// `multi_get`
    pub(super) async fn multi_get(&mut self, args: SortKeysArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let options = MultiGetOptions::new().max_count(0).max_bytes(0);
        let result = table.multi_get(&args.hash_key, args.sort_keys, &options);
        let result = result.await?;
        self.show_records(&args.hash_key, &result, Values::Fetched)
    }

    /// `multi_get_range`
    pub(super) async fn multi_get_range(
        &mut self,
        args: &MultiGetRangeArgs,
    ) -> Result<(), ShellError> {
        let table = self.table().await?;
        let (start, stop) = args.range.bounds();
        let values = if args.no_value {
            Values::Omitted
        } else {
            Values::Fetched
        };
        let mut options = MultiGetOptions::new()
            .max_count(args.max_count)
            .max_bytes(0)
            .start(start)
            .stop(stop)
            .values(values)
            .sort_key_filter(args.filter.server_filter());
        if args.reverse {
            options = options.direction(Direction::Reverse);
        }
        let range = &args.range;
        let mut result = table
            .multi_get_range(
                &range.hash_key,
                &range.start_sort_key,
                &range.stop_sort_key,
                &options,
            )
            .await?;
        result
            .records
            .retain(|record| args.filter.accepts(&record.sort_key));
        self.show_records(&range.hash_key, &result, values)
    }

    /// `multi_get_sortkeys`
    pub(super) async fn multi_get_sortkeys(
        &mut self,
        args: &HashKeyArgs,
    ) -> Result<(), ShellError> {
        let table = self.table().await?;
        let options = MultiGetOptions::new()
            .max_count(0)
            .max_bytes(0)
            .values(Values::Omitted);
        let result = table
            .multi_get(&args.hash_key, Vec::new(), &options)
            .await?;
        self.show_records(&args.hash_key, &result, Values::Omitted)
    }

    fn show_records(
        &mut self,
        hash_key: &[u8],
        result: &MultiGetResult,
        values: Values,
    ) -> Result<(), ShellError> {
        let complete = result.completeness == Completeness::Complete;
        let mut text = String::new();
        let mut records = Vec::new();
        for record in &result.records {
            let keys = format!(
                "{} : {}",
                self.quoted(hash_key),
                self.quoted(&record.sort_key)
            );
            let mut fields = json!({"sort_key": self.escaped(&record.sort_key)});
            match values {
                Values::Fetched => {
                    text.push_str(&format!("{keys} => {}\n", self.quoted(&record.value)));
                    fields["value"] = self.escaped(&record.value);
                }
                Values::Omitted => text.push_str(&format!("{keys}\n")),
            }
            records.push(fields);
        }
        if !records.is_empty() {
            text.push('\n');
        }
        let count = records.len();
        let what = match values {
            Values::Fetched => "key-value pairs",
            Values::Omitted => "sort keys",
        };
        let completion = if complete {
            "completed"
        } else {
            "not completed"
        };
        text.push_str(&format!("{count} {what} got, fetch {completion}."));
        self.answer(
            &text,
            json!({"complete": complete, "count": count, "records": records}),
        )
    }

    /// `del`
    pub(super) async fn del(&mut self, args: &RecordArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        table.del(&args.hash_key, &args.sort_key).await?;
        self.answer("OK", json!({"result": "OK"}))
    }

    /// `multi_del`
    pub(super) async fn multi_del(&mut self, args: MultiDelArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let count = table.multi_del(&args.hash_key, args.sort_keys).await?;
        self.answer(
            &format!("{count} key-value pairs deleted."),
            json!({"deleted": count}),
        )
    }

    /// `multi_del_range`
    pub(super) async fn multi_del_range(
        &mut self,
        args: &MultiDelRangeArgs,
    ) -> Result<(), ShellError> {
        let table = self.table().await?;
        let (start, stop) = args.range.bounds();
        let filter = args.filter.server_filter();
        if args.filter.sort_key_filter_type == Some(Match::Exact) {
            let message = "-s exact deletes one sort key: use 'del'";
            return Err(ShellError::Usage(message.to_owned()));
        }
        let options = ScanOptions::new()
            .start(start)
            .stop(stop)
            .sort_key_filter(filter);
        let range = &args.range;
        let deleted = table.del_range(
            &range.hash_key,
            &range.start_sort_key,
            &range.stop_sort_key,
            &options,
        );
        let count = deleted.await?;
        self.done(
            &format!("OK\nTotal {count} key-value pairs deleted."),
            &json!({"deleted": count}),
        )
    }

    /// `incr`
    pub(super) async fn incr(&mut self, args: &IncrArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let record = &args.record;
        let sum = table.incr(
            &record.hash_key,
            &record.sort_key,
            args.increment,
            IncrTtl::Keep,
        );
        let sum = sum.await?;
        self.answer(&sum.to_string(), json!({"new_value": sum}))
    }

    /// `exist`
    pub(super) async fn exist(&mut self, args: &RecordArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let exists = table.exist(&args.hash_key, &args.sort_key).await?;
        let text = if exists { "True" } else { "False" };
        self.answer(text, json!({"exists": exists}))
    }

    /// `count`
    pub(super) async fn count(&mut self, args: &HashKeyArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let count = table.sort_key_count(&args.hash_key).await?;
        self.answer(&count.to_string(), json!({"count": count}))
    }

    /// `ttl`
    pub(super) async fn ttl(&mut self, args: &RecordArgs) -> Result<(), ShellError> {
        let table = self.table().await?;
        let (text, value) = match table.ttl(&args.hash_key, &args.sort_key).await? {
            TimeToLive::Remaining(left) => (left.as_secs().to_string(), json!(left.as_secs())),
            TimeToLive::Forever => ("Infinite".to_owned(), json!("Infinite")),
            TimeToLive::NotFound => ("Not found".to_owned(), Value::Null),
        };
        self.answer(&text, json!({"ttl_seconds": value}))
    }
}
