//! Lists of records: `hash_scan`, `full_scan`.

use std::fs::File;
use std::io::{BufWriter, Write as _};

use pegasus_client::{Filter, Record, ScanOptions, Scanner, Table, Values};
use pegasus_common::partition_hash;
use serde_json::{Value, json};

use super::ShellError;
use super::context::{Context, OutputFormat};
use super::key_arguments::Match;
use super::scan_arguments::{FullScanArgs, HashScanArgs, ScanArgs};

/// Records of one round trip.
const BATCH_SIZE: u32 = 500;

impl Context {
    /// `hash_scan`
    pub(super) async fn hash_scan(&mut self, args: &HashScanArgs) -> Result<(), ShellError> {
        let table = self.scan_table(&args.scan).await?;
        let (start, stop) = args.range.bounds();
        let options = scan_options(&args.scan).start(start).stop(stop);
        let range = &args.range;
        let scanner = table.hash_scanner(
            &range.hash_key,
            &range.start_sort_key,
            &range.stop_sort_key,
            &options,
        )?;
        self.list(&args.scan, &table, scanner, None).await
    }

    /// `full_scan`
    pub(super) async fn full_scan(&mut self, args: &FullScanArgs) -> Result<(), ShellError> {
        let table = self.scan_table(&args.scan).await?;
        let filter = match (args.hash_key_filter_type, &args.hash_key_filter_pattern) {
            (Some(kind), Some(pattern)) => kind.server_filter(pattern.clone()),
            _ => Filter::default(),
        };
        let options = scan_options(&args.scan).hash_key_filter(filter);
        let scanner = match args.partition {
            None => table.full_scanner(&options),
            Some(index) if index < table.partitions().count() => {
                table.partition_scanner([index], &options)
            }
            Some(index) => {
                let count = table.partitions().count();
                let message = format!("partition {index} does not exist: there are {count}");
                return Err(ShellError::Usage(message));
            }
        };
        let exact = match args.hash_key_filter_type {
            Some(Match::Exact) => args.hash_key_filter_pattern.as_deref(),
            _ => None,
        };
        self.list(&args.scan, &table, scanner, exact).await
    }

    async fn scan_table(&mut self, args: &ScanArgs) -> Result<Table, ShellError> {
        let table = self.table().await?;
        Ok(match args.timeout_ms {
            Some(timeout) => table.with_timeout(timeout),
            None => table,
        })
    }

    /// Prints the records of a scan, in text as they come.
    async fn list(
        &mut self,
        args: &ScanArgs,
        table: &Table,
        mut scanner: Scanner,
        exact_hash_key: Option<&[u8]>,
    ) -> Result<(), ShellError> {
        let mut sink = Sink::open(args)?;
        let limit = u64::try_from(args.max_count).unwrap_or(u64::MAX);
        let mut count: u64 = 0;
        while count < limit {
            let Some(record) = scanner.next().await.transpose()? else {
                break;
            };
            let hash_key_fits = exact_hash_key.is_none_or(|exact| exact == record.hash_key);
            if !hash_key_fits || !args.accepts(&record.sort_key, &record.value) {
                continue;
            }
            count += 1;
            let partition = args.detailed.then(|| {
                let hash = partition_hash::of_parts(&record.hash_key, &record.sort_key);
                table.partitions().of_hash(hash).gpid.partition_index.0
            });
            match (&mut sink, self.format) {
                (Sink::File(file, path), _) => {
                    let text = self.record_text(&record, args, partition);
                    writeln!(file, "{text}").map_err(ShellError::io(path.as_str()))?;
                }
                (Sink::Screen(_), OutputFormat::Text) => {
                    let text = self.record_text(&record, args, partition);
                    self.line(&text)?;
                }
                (Sink::Screen(records), OutputFormat::Json) => {
                    records.push(self.record_json(&record, args, partition));
                }
            }
        }
        self.finish_list(sink, count)
    }

    fn finish_list(&mut self, sink: Sink, count: u64) -> Result<(), ShellError> {
        match sink {
            Sink::File(mut file, path) => {
                file.flush().map_err(ShellError::io(path.as_str()))?;
                self.done(
                    &format!("{count} key-value pairs got, written to {path}."),
                    &json!({"count": count, "output": path}),
                )
            }
            Sink::Screen(records) => {
                let text = if count == 0 {
                    "0 key-value pairs got.".to_owned()
                } else {
                    format!("\n{count} key-value pairs got.")
                };
                self.done(&text, &json!({"count": count, "records": records}))
            }
        }
    }

    fn record_text(&self, record: &Record, args: &ScanArgs, partition: Option<i32>) -> String {
        let mut text = partition.map_or(String::new(), |index| format!("{index} : "));
        text.push_str(&self.quoted(&record.hash_key));
        text.push_str(" : ");
        text.push_str(&self.quoted(&record.sort_key));
        if !args.no_value {
            text.push_str(" => ");
            text.push_str(&self.quoted(&record.value));
        }
        text
    }

    fn record_json(&self, record: &Record, args: &ScanArgs, partition: Option<i32>) -> Value {
        let mut fields = json!({
            "hash_key": self.escaped(&record.hash_key),
            "sort_key": self.escaped(&record.sort_key),
        });
        if !args.no_value {
            fields["value"] = self.escaped(&record.value);
        }
        if let Some(index) = partition {
            fields["partition_index"] = index.into();
        }
        fields
    }
}

/// Where listed records go. JSON on the screen is one value, so its records are gathered first.
enum Sink {
    Screen(Vec<Value>),
    File(BufWriter<File>, String),
}

impl Sink {
    fn open(args: &ScanArgs) -> Result<Self, ShellError> {
        let Some(path) = &args.output else {
            return Ok(Self::Screen(Vec::new()));
        };
        let shown = path.display().to_string();
        let file = File::create(path).map_err(ShellError::io(shown.as_str()))?;
        Ok(Self::File(BufWriter::new(file), shown))
    }
}

fn scan_options(args: &ScanArgs) -> ScanOptions {
    let mut options = ScanOptions::new()
        .batch_size(BATCH_SIZE)
        .sort_key_filter(args.filter.server_filter());
    if args.no_value {
        options = options.values(Values::Omitted);
    }
    options
}
