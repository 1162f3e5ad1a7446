//! From Thrift files to the [`Schema`]: parses them, resolves the names in them, and refuses what
//! the generator does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use pilota_thrift_parser as thrift;

use crate::error::GeneratorError;
use crate::names::{constant_name, type_name};
use crate::schema::{
    BaseType, Enum, EnumValue, Field, FieldType, Item, Module, Presence, Schema, Struct, TypePath,
};

/// The file that declares the hand-written types; no code is made of it.
const BASE_MODULE: &str = "base";

/// Numbers of an enum's values by their names.
type EnumNumbers = BTreeMap<String, i32>;

/// Reads every `*.thrift` of a directory.
pub fn load(idl_dir: &Path) -> Result<Schema, GeneratorError> {
    let mut files = BTreeMap::new();
    for path in thrift_files(idl_dir)? {
        let name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        files.insert(name, parse(path)?);
    }
    let enums = collect_enums(&files);
    let modules = files
        .iter()
        .filter(|(name, _)| *name != BASE_MODULE)
        .map(|(name, file)| {
            Resolver {
                module: name,
                enums: &enums,
            }
            .module(file)
        })
        .collect::<Result<_, _>>()?;
    Ok(Schema { modules })
}

fn thrift_files(idl_dir: &Path) -> Result<Vec<PathBuf>, GeneratorError> {
    let io_error = |source| GeneratorError::Io {
        path: idl_dir.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(idl_dir).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "thrift")
        {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn parse(path: PathBuf) -> Result<thrift::File, GeneratorError> {
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(GeneratorError::Io { path, source }),
    };
    thrift::FileParser::new(thrift::FileSource::new(&text))
        .parse()
        .map_err(|error| GeneratorError::Syntax {
            path,
            message: format!("{error:?}"),
        })
}

fn collect_enums(
    files: &BTreeMap<String, thrift::File>,
) -> BTreeMap<(String, String), EnumNumbers> {
    let mut enums = BTreeMap::new();
    for (module, file) in files {
        for item in &file.items {
            if let thrift::Item::Enum(item) = item {
                let key = (module.clone(), item.name.to_string());
                enums.insert(key, enum_numbers(item));
            }
        }
    }
    enums
}

/// A value without a number is one more than the value before it.
fn enum_numbers(item: &thrift::Enum) -> EnumNumbers {
    let mut numbers = EnumNumbers::new();
    let mut next = 0;
    for value in &item.values {
        let number = value.value.map_or(next, |number| number.0);
        next = number + 1;
        // A number that does not fit is found again, and refused, where the enum is resolved.
        numbers.insert(
            value.name.to_string(),
            i32::try_from(number).unwrap_or(i32::MAX),
        );
    }
    numbers
}

/// Resolves the names of one file.
struct Resolver<'a> {
    module: &'a str,
    enums: &'a BTreeMap<(String, String), EnumNumbers>,
}

impl Resolver<'_> {
    fn module(&self, file: &thrift::File) -> Result<Module, GeneratorError> {
        let mut module = Module {
            name: self.module.to_owned(),
            docs: Vec::new(),
            items: Vec::new(),
        };
        for item in &file.items {
            match item {
                thrift::Item::Namespace(namespace) => {
                    module.docs = doc_lines(&[&namespace.leading_comments]);
                }
                thrift::Item::Include(_) | thrift::Item::Service(_) => {}
                thrift::Item::Enum(item) => module.items.push(Item::Enum(self.enumeration(item)?)),
                thrift::Item::Struct(item) => {
                    module.items.push(Item::Struct(self.structure(item)?));
                }
                other => return Err(self.unsupported(format!("{other:?}"))),
            }
        }
        Ok(module)
    }

    fn enumeration(&self, item: &thrift::Enum) -> Result<Enum, GeneratorError> {
        let mut values = Vec::new();
        for value in &item.values {
            let number = value.value.and_then(|number| i32::try_from(number.0).ok());
            let number = number.ok_or_else(|| {
                self.unsupported(format!("{}.{} has no number", &*item.name, &*value.name))
            })?;
            values.push(EnumValue {
                name: value.name.to_string(),
                docs: doc_lines(&[&value.leading_comments, &value.trailing_comments]),
                number,
            });
        }
        Ok(Enum {
            name: item.name.to_string(),
            docs: doc_lines(&[&item.leading_comments]),
            values,
        })
    }

    fn structure(&self, item: &thrift::Struct) -> Result<Struct, GeneratorError> {
        let mut ids = BTreeSet::new();
        let mut fields = Vec::new();
        for field in &item.fields {
            let place = format!("{}.{}", &*item.name, &*field.name);
            let field = self.field(field, &place)?;
            if !ids.insert(field.id) {
                return Err(self.unsupported(format!("{place} repeats the id {}", field.id)));
            }
            fields.push(field);
        }
        fields.sort_by_key(|field| field.id);
        Ok(Struct {
            name: item.name.to_string(),
            docs: doc_lines(&[&item.leading_comments]),
            fields,
        })
    }

    fn field(&self, field: &thrift::Field, place: &str) -> Result<Field, GeneratorError> {
        let field_type = self.field_type(&field.ty, place)?;
        let presence = match field.attribute {
            thrift::Attribute::Optional => Presence::Optional,
            thrift::Attribute::Default | thrift::Attribute::Required => Presence::Always,
        };
        let mut docs = doc_lines(&[&field.leading_comments, &field.trailing_comments]);
        let mut default = None;
        if let Some(value) = &field.default {
            let expression = self.default_expression(value, &field_type, place)?;
            match (presence, expression) {
                // An optional field without a value is not written; readers assume the default.
                (Presence::Optional, assumed) => {
                    docs.push(format!("Readers take a missing one as `{assumed}`."));
                }
                (Presence::Always, expression) if is_zero(&expression) => {}
                (Presence::Always, expression) => default = Some(expression),
            }
        }
        Ok(Field {
            id: i16::try_from(field.id)
                .map_err(|_| self.unsupported(format!("{place} has the id {}", field.id)))?,
            name: field.name.to_string(),
            docs,
            presence,
            field_type,
            default,
        })
    }

    fn field_type(&self, ty: &thrift::Type, place: &str) -> Result<FieldType, GeneratorError> {
        Ok(match &ty.0 {
            thrift::Ty::Bool => FieldType::Bool,
            thrift::Ty::Byte | thrift::Ty::I8 => FieldType::Byte,
            thrift::Ty::I16 => FieldType::I16,
            thrift::Ty::I32 => FieldType::I32,
            thrift::Ty::I64 => FieldType::I64,
            thrift::Ty::Double => FieldType::Double,
            thrift::Ty::String => FieldType::String,
            thrift::Ty::List { value, .. } => {
                FieldType::List(Box::new(self.element_type(value, place)?))
            }
            thrift::Ty::Set { value, .. } => {
                FieldType::Set(Box::new(self.element_type(value, place)?))
            }
            thrift::Ty::Map { key, value, .. } => FieldType::Map(
                Box::new(self.element_type(key, place)?),
                Box::new(self.element_type(value, place)?),
            ),
            thrift::Ty::Path(path) => self.named_type(path, place)?,
            other @ (thrift::Ty::Void | thrift::Ty::Binary | thrift::Ty::Uuid) => {
                return Err(self.unsupported(format!("{place} has the type {other:?}")));
            }
        })
    }

    /// Task codes are strings in Rust, and only a field's header tells the two apart.
    fn element_type(&self, ty: &thrift::Type, place: &str) -> Result<FieldType, GeneratorError> {
        match self.field_type(ty, place)? {
            FieldType::Base(BaseType::TaskCode) => {
                Err(self.unsupported(format!("{place} is a container of task codes")))
            }
            element => Ok(element),
        }
    }

    fn named_type(&self, path: &thrift::Path, place: &str) -> Result<FieldType, GeneratorError> {
        let (module, name) = match &*path.segments {
            [name] => (self.module, &**name),
            [module, name] => (&**module, &**name),
            _ => return Err(self.unsupported(format!("{place} has a type of an unknown form"))),
        };
        if module == BASE_MODULE {
            return BaseType::from_name(name)
                .map(FieldType::Base)
                .ok_or_else(|| self.unsupported(format!("{place} has the unknown type {name}")));
        }
        let path = TypePath {
            module: module.to_owned(),
            name: name.to_owned(),
        };
        let is_enum = self
            .enums
            .contains_key(&(path.module.clone(), path.name.clone()));
        // A struct that no file declares is refused by the compiler of the output.
        Ok(if is_enum {
            FieldType::Enum(path)
        } else {
            FieldType::Struct(path)
        })
    }

    fn default_expression(
        &self,
        value: &thrift::ConstValue,
        field_type: &FieldType,
        place: &str,
    ) -> Result<String, GeneratorError> {
        match (value, field_type) {
            (thrift::ConstValue::Bool(value), FieldType::Bool) => Ok(value.to_string()),
            (thrift::ConstValue::Int(value), FieldType::I32 | FieldType::I64) => {
                Ok(value.0.to_string())
            }
            (thrift::ConstValue::Path(path), FieldType::Bool) => Ok(path
                .segments
                .iter()
                .map(|segment| &**segment)
                .collect::<String>()),
            (thrift::ConstValue::Path(path), FieldType::Enum(declared)) => {
                let value = path.segments.last().map_or("", |segment| segment);
                self.enum_default(declared, value)
                    .ok_or_else(|| self.unsupported(format!("{place} has an unknown default")))
            }
            _ => Err(self.unsupported(format!("{place} has a default of an unknown form"))),
        }
    }

    fn enum_default(&self, declared: &TypePath, value: &str) -> Option<String> {
        let key = (declared.module.clone(), declared.name.clone());
        let number = self.enums.get(&key)?.get(value)?;
        Some(if *number == 0 {
            number.to_string()
        } else {
            format!("{}::{}", type_name(&declared.name), constant_name(value))
        })
    }

    fn unsupported(&self, what: String) -> GeneratorError {
        GeneratorError::Unsupported {
            module: self.module.to_owned(),
            what,
        }
    }
}

/// Whether the expression is what `Default` gives anyway.
fn is_zero(expression: &str) -> bool {
    matches!(expression, "0" | "false")
}

/// The text of comments without their marks.
fn doc_lines(comments: &[&str]) -> Vec<String> {
    comments
        .iter()
        .flat_map(|comment| comment.lines())
        .map(|line| {
            let line = line.trim().trim_start_matches("/*").trim_end_matches("*/");
            line.trim_start_matches(['/', '*']).trim().to_owned()
        })
        .filter(|line| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_lose_their_marks() {
        assert_eq!(doc_lines(&["// a\n\n// b", "/** c */"]), ["a", "b", "c"]);
    }
}
