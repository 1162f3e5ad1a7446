//! Rust for one enum.

use crate::emit_file::{push_docs, push_line};
use crate::names::{constant_name, type_name};
use crate::schema::Enum;

/// Appends the definition of an enum.
pub fn emit_enum(text: &mut String, item: &Enum) {
    push_line(text, "wire_enum! {");
    push_docs(text, "    ", &item.docs);
    push_line(text, &format!("    {} {{", type_name(&item.name)));
    for value in &item.values {
        push_docs(text, "        ", &value.docs);
        let constant = constant_name(&value.name);
        push_line(
            text,
            &format!("        {constant} = {}, \"{}\";", value.number, value.name),
        );
    }
    push_line(text, "    }");
    push_line(text, "}");
}
