//! The documentation is complete: what can be compared with the code is.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;

use pegasus_common::config::{ConfigFile, reference_markdown, undocumented};
use pegasus_meta::config::MetaServerConfig;
use pegasus_replica::config::ReplicaServerConfig;
use pegasus_tests::checkout;

/// Set to rewrite the generated parts of the pages instead of comparing them.
const UPDATE: &str = "UPDATE_DOCS";

fn read(path: &str) -> String {
    fs::read_to_string(checkout().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_option_is_documented() {
    check_reference("replica server", &ReplicaServerConfig::default());
    check_reference("meta server", &MetaServerConfig::default());
}

/// Compares the part of docs/configuration.md between two marks with the declarations.
fn check_reference(server: &str, config: &impl ConfigFile) {
    const PAGE: &str = "docs/configuration.md";
    let begin = format!("<!-- reference of the {server}: begin -->");
    let end = format!("<!-- reference of the {server}: end -->");
    let page = read(PAGE);
    let (before, rest) = page.split_once(&begin).expect("the mark of a reference");
    let (reference, after) = rest.split_once(&end).expect("the end of a reference");

    let sections = config.sections();
    let expected = format!("\n\n{}\n", reference_markdown(&sections));
    if reference == expected {
        return;
    }
    if env::var_os(UPDATE).is_some() {
        let page = format!("{before}{begin}{expected}{end}{after}");
        fs::write(checkout().join(PAGE), page).expect("the page can be written");
        return;
    }
    panic!(
        "{PAGE} does not tell the truth about the {server}; missing or different: {:?}; \
         {UPDATE}=1 cargo test -p pegasus-tests --test documentation rewrites it",
        undocumented(&sections, reference)
    );
}

#[test]
fn every_dependency_has_a_reason() {
    let manifest = read("Cargo.toml");
    let dependencies = manifest
        .split_once("[workspace.dependencies]")
        .expect("the table of dependencies")
        .1;
    let declared: BTreeSet<&str> = dependencies
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| !name.starts_with("pegasus-"))
        .collect();
    let page = read("docs/dependencies.md");
    let explained: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        declared, explained,
        "the root Cargo.toml (left) and docs/dependencies.md (right) list different crates"
    );
}

#[test]
fn every_page_is_in_the_table_of_contents_and_every_link_leads_somewhere() {
    let summary = read("docs/SUMMARY.md");
    let linked = links(&summary);
    for link in &linked {
        assert!(
            checkout().join("docs").join(link).is_file(),
            "docs/SUMMARY.md: {link}"
        );
    }
    for directory in ["docs", "docs/formats"] {
        for entry in fs::read_dir(checkout().join(directory)).expect("a directory") {
            let path = entry.expect("an entry").path();
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            let page = path
                .strip_prefix(checkout().join("docs"))
                .expect("below docs/");
            let page = page.to_string_lossy();
            if is_page && page != "SUMMARY.md" {
                assert!(
                    linked.contains(&page.to_string()),
                    "{page} is not in docs/SUMMARY.md"
                );
            }
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages: Vec<String> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"]
        .map(str::to_owned)
        .to_vec();
    for entry in fs::read_dir(checkout().join("docs")).expect("a directory") {
        let name = entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    for page in pages {
        let folder = Path::new(&page)
            .parent()
            .expect("a page lies in a folder")
            .to_owned();
        for link in links(&read(&page)) {
            let target = checkout().join(&folder).join(&link);
            assert!(
                target.exists(),
                "{page} links to {link}, which does not exist"
            );
        }
    }
}

/// The relative targets of Markdown links, without anchors.
fn links(page: &str) -> BTreeSet<String> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or(target))
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .map(str::to_owned)
        .collect()
}
