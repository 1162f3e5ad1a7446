//! One Rust file per Thrift file, and the `mod.rs` that names them.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::GeneratedFile;
use crate::emit_enum::emit_enum;
use crate::emit_struct::emit_struct;
use crate::schema::{BaseType, FieldType, Item, Module, Schema, Struct};

const NOTICE: &str = "// Made by pegasus-idl-generator from idl/; do not edit.\n";

/// Makes all files.
pub fn emit(schema: &Schema) -> Vec<GeneratedFile> {
    let mut files: Vec<GeneratedFile> = schema.modules.iter().map(emit_module).collect();
    files.push(emit_mod(schema));
    files
}

fn emit_mod(schema: &Schema) -> GeneratedFile {
    let mut text = String::from(NOTICE);
    text.push_str("\n//! The messages of `idl/`, one module per file.\n\n");
    for module in &schema.modules {
        push_line(&mut text, &format!("pub mod {};", module.name));
    }
    GeneratedFile {
        name: "mod.rs".to_owned(),
        text,
    }
}

fn emit_module(module: &Module) -> GeneratedFile {
    let mut text = String::from(NOTICE);
    text.push('\n');
    for line in &module.docs {
        push_line(&mut text, &format!("//! {line}"));
    }
    text.push('\n');
    push_imports(&mut text, module);
    for item in &module.items {
        text.push('\n');
        match item {
            Item::Enum(item) => emit_enum(&mut text, item),
            Item::Struct(item) => emit_struct(&mut text, item, &module.name),
        }
    }
    GeneratedFile {
        name: format!("{}.rs", module.name),
        text,
    }
}

fn push_imports(text: &mut String, module: &Module) {
    let structs: Vec<&Struct> = module
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) => Some(item),
            Item::Enum(_) => None,
        })
        .collect();
    let parts: Vec<&FieldType> = structs
        .iter()
        .flat_map(|item| &item.fields)
        .flat_map(|field| field.field_type.parts())
        .collect();
    let has = |wanted: fn(&FieldType) -> bool| parts.iter().any(|part| wanted(part));
    let has_fields = structs.iter().any(|item| !item.fields.is_empty());
    let has_structs = !structs.is_empty();
    let has_enums = structs.len() < module.items.len();
    let common = parts.iter().filter_map(|part| common_type(part));
    push_import(
        text,
        "std::collections",
        [
            has(|part| matches!(part, FieldType::Map(..))).then_some("BTreeMap"),
            has(|part| matches!(part, FieldType::Set(_))).then_some("BTreeSet"),
        ],
    );
    push_import(
        text,
        "bytes",
        [
            has(|part| *part == FieldType::Base(BaseType::Blob)).then_some("Bytes"),
            has_structs.then_some("BytesMut"),
        ],
    );
    push_import(text, "pegasus_common", common.map(Some));
    text.push('\n');
    push_import(text, "crate::codec", [has_enums.then_some("wire_enum")]);
    push_import(
        text,
        "crate::codec",
        [has_fields.then_some("FIELD_HEADER_LEN")],
    );

    let for_structs = [
        "DecodeError",
        "FieldType",
        "Message",
        "Reader",
        "STOP_LEN",
        "encode_stop",
    ];
    push_import(
        text,
        "crate::codec",
        for_structs.map(|name| has_structs.then_some(name)),
    );
}

/// Appends a `use` of the names that are there.
fn push_import<'a>(
    text: &mut String,
    path: &str,
    names: impl IntoIterator<Item = Option<&'a str>>,
) {
    let names: BTreeSet<&str> = names.into_iter().flatten().collect();
    let names: Vec<&str> = names.into_iter().collect();
    match names[..] {
        [] => {}
        [name] => push_line(text, &format!("use {path}::{name};")),
        _ => push_line(text, &format!("use {path}::{{{}}};", names.join(", "))),
    }
}

/// The type of `pegasus_common` that stands for a field type.
fn common_type(part: &FieldType) -> Option<&'static str> {
    match part {
        FieldType::Base(BaseType::ErrorCode) => Some("ErrorCode"),
        FieldType::Base(BaseType::Gpid) => Some("Gpid"),
        FieldType::Base(BaseType::RpcAddress) => Some("RpcAddress"),
        FieldType::Base(BaseType::HostPort) => Some("HostPort"),
        _ => None,
    }
}

/// Appends the lines of a doc comment.
pub fn push_docs(text: &mut String, indent: &str, docs: &[String]) {
    for line in docs {
        push_line(text, &format!("{indent}/// {line}"));
    }
}

/// Appends one line.
pub fn push_line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
