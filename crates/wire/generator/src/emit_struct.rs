//! Rust for one struct: the type and its straight-line codec.

use crate::emit_file::{push_docs, push_line};
use crate::names::{field_name, type_name};
use crate::schema::{BaseType, Field, FieldType, Presence, Struct, TypePath};

/// Appends the definition of a struct of the file `module` and its `Message` implementation.
pub fn emit_struct(text: &mut String, item: &Struct, module: &str) {
    emit_definition(text, item, module);
    if has_own_default(item) {
        text.push('\n');
        emit_default(text, item);
    }
    text.push('\n');
    push_line(
        text,
        &format!("impl Message for {} {{", type_name(&item.name)),
    );
    push_line(text, "    const FIELD_TYPE: FieldType = FieldType::STRUCT;");
    push_line(text, "    const MIN_LEN: usize = STOP_LEN;");
    text.push('\n');
    emit_decode(text, item);
    text.push('\n');
    emit_encode(text, item);
    text.push('\n');
    emit_encoded_len(text, item);
    push_line(text, "}");
}

fn emit_definition(text: &mut String, item: &Struct, module: &str) {
    push_docs(text, "", &item.docs);
    let derives = if has_own_default(item) {
        "#[derive(Clone, Debug, PartialEq)]"
    } else {
        "#[derive(Clone, Debug, Default, PartialEq)]"
    };
    push_line(text, derives);
    push_line(text, &format!("pub struct {} {{", type_name(&item.name)));
    for field in &item.fields {
        push_docs(text, "    ", &field.docs);
        let mut rust_type = rust_type(&field.field_type, module);
        if field.presence == Presence::Optional {
            rust_type = format!("Option<{rust_type}>");
        }
        push_line(
            text,
            &format!("    pub {}: {rust_type},", field_name(&field.name)),
        );
    }
    push_line(text, "}");
}

/// Whether some field begins with another value than its type's default.
fn has_own_default(item: &Struct) -> bool {
    item.fields.iter().any(|field| field.default.is_some())
}

fn emit_default(text: &mut String, item: &Struct) {
    push_line(
        text,
        &format!("impl Default for {} {{", type_name(&item.name)),
    );
    push_line(text, "    fn default() -> Self {");
    push_line(text, "        Self {");
    for field in &item.fields {
        let value = field.default.as_deref().unwrap_or("Default::default()");
        push_line(
            text,
            &format!("            {}: {value},", field_name(&field.name)),
        );
    }
    push_line(text, "        }");
    push_line(text, "    }");
    push_line(text, "}");
}

fn emit_decode(text: &mut String, item: &Struct) {
    push_line(
        text,
        "    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {",
    );
    if item.fields.is_empty() {
        push_line(text, "        while let Some(field) = reader.field()? {");
        push_line(text, "            reader.skip(field.field_type)?;");
        push_line(text, "        }");
        push_line(text, "        Ok(Self {})");
        push_line(text, "    }");
        return;
    }
    for field in &item.fields {
        push_line(
            text,
            &format!("        let mut {} = None;", field_name(&field.name)),
        );
    }
    push_line(text, "        while let Some(field) = reader.field()? {");
    push_line(text, "            match (field.id, field.field_type) {");
    for field in &item.fields {
        push_line(
            text,
            &format!(
                "                ({}, FieldType::{}) => {} = Some(Message::decode(reader)?),",
                field.id,
                field.field_type.wire_constant(),
                field_name(&field.name),
            ),
        );
    }
    push_line(text, "                _ => reader.skip(field.field_type)?,");
    push_line(text, "            }");
    push_line(text, "        }");
    push_line(text, "        Ok(Self {");
    for field in &item.fields {
        push_line(text, &format!("            {},", decoded_field(field)));
    }
    push_line(text, "        })");
    push_line(text, "    }");
}

/// The field's initialiser from the local variable of its name, an `Option`.
fn decoded_field(field: &Field) -> String {
    let name = field_name(&field.name);
    match (field.presence, &field.default) {
        (Presence::Optional, _) => name,
        (Presence::Always, None) => format!("{name}: {name}.unwrap_or_default()"),
        (Presence::Always, Some(default)) => format!("{name}: {name}.unwrap_or({default})"),
    }
}

fn emit_encode(text: &mut String, item: &Struct) {
    push_line(text, "    fn encode(&self, out: &mut BytesMut) {");
    for field in &item.fields {
        let name = field_name(&field.name);
        match field.presence {
            Presence::Always => {
                for line in encode_lines(field, &format!("self.{name}")) {
                    push_line(text, &format!("        {line}"));
                }
            }
            Presence::Optional => {
                push_line(
                    text,
                    &format!("        if let Some(value) = &self.{name} {{"),
                );
                for line in encode_lines(field, "value") {
                    push_line(text, &format!("            {line}"));
                }
                push_line(text, "        }");
            }
        }
    }
    push_line(text, "        encode_stop(out);");
    push_line(text, "    }");
}

/// Statements that append one field. A task code is a string that is announced as a struct.
fn encode_lines(field: &Field, value: &str) -> Vec<String> {
    let id = field.id;
    if field.field_type == FieldType::Base(BaseType::TaskCode) {
        vec![
            format!("crate::codec::encode_field_header(out, FieldType::STRUCT, {id});"),
            format!("{value}.encode(out);"),
        ]
    } else {
        vec![format!("{value}.encode_field(out, {id});")]
    }
}

fn emit_encoded_len(text: &mut String, item: &Struct) {
    push_line(text, "    fn encoded_len_hint(&self) -> usize {");
    push_line(text, "        STOP_LEN");
    for field in &item.fields {
        let name = field_name(&field.name);
        push_line(
            text,
            &match field.presence {
                Presence::Always => {
                    format!("            + FIELD_HEADER_LEN + self.{name}.encoded_len_hint()")
                }
                Presence::Optional => format!(
                    "            + self.{name}.as_ref()\
                 .map_or(0, |value| FIELD_HEADER_LEN + value.encoded_len_hint())"
                ),
            },
        );
    }
    push_line(text, "    }");
}

fn rust_type(field_type: &FieldType, module: &str) -> String {
    match field_type {
        FieldType::Bool => "bool".to_owned(),
        FieldType::Byte => "i8".to_owned(),
        FieldType::I16 => "i16".to_owned(),
        FieldType::I32 => "i32".to_owned(),
        FieldType::I64 => "i64".to_owned(),
        FieldType::Double => "f64".to_owned(),
        FieldType::String => "String".to_owned(),
        FieldType::Base(base) => base_type(*base).to_owned(),
        FieldType::Enum(path) | FieldType::Struct(path) => path_type(path, module),
        FieldType::List(element) => format!("Vec<{}>", rust_type(element, module)),
        FieldType::Set(element) => format!("BTreeSet<{}>", rust_type(element, module)),
        FieldType::Map(key, value) => {
            format!(
                "BTreeMap<{}, {}>",
                rust_type(key, module),
                rust_type(value, module)
            )
        }
    }
}

fn base_type(base: BaseType) -> &'static str {
    match base {
        BaseType::Blob => "Bytes",
        BaseType::ErrorCode => "ErrorCode",
        BaseType::TaskCode => "String",
        BaseType::Gpid => "Gpid",
        BaseType::RpcAddress => "RpcAddress",
        BaseType::HostPort => "HostPort",
    }
}

fn path_type(path: &TypePath, module: &str) -> String {
    let name = type_name(&path.name);
    if path.module == module {
        name
    } else {
        format!("super::{}::{name}", path.module)
    }
}
