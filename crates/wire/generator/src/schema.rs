//! The IDL, resolved: what the emitters need and nothing of Thrift's syntax.

/// All files, in alphabetical order.
#[derive(Debug)]
pub struct Schema {
    pub modules: Vec<Module>,
}

/// One Thrift file.
#[derive(Debug)]
pub struct Module {
    /// File name without ending.
    pub name: String,
    /// Lines of its heading comment.
    pub docs: Vec<String>,
    /// Enums and structs in the order of the file.
    pub items: Vec<Item>,
}

/// A type that a file declares.
#[derive(Debug)]
pub enum Item {
    Enum(Enum),
    Struct(Struct),
}

#[derive(Debug)]
pub struct Enum {
    pub name: String,
    pub docs: Vec<String>,
    pub values: Vec<EnumValue>,
}

#[derive(Debug)]
pub struct EnumValue {
    pub name: String,
    pub docs: Vec<String>,
    pub number: i32,
}

#[derive(Debug)]
pub struct Struct {
    pub name: String,
    pub docs: Vec<String>,
    /// In ascending order of their ids.
    pub fields: Vec<Field>,
}

#[derive(Debug)]
pub struct Field {
    pub id: i16,
    pub name: String,
    pub docs: Vec<String>,
    pub presence: Presence,
    pub field_type: FieldType,
    /// Rust expression of a default that is not the type's own.
    pub default: Option<String>,
}

/// Whether a field is always written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Always,
    Optional,
}

/// Type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    Bool,
    Byte,
    I16,
    I32,
    I64,
    Double,
    String,
    Base(BaseType),
    Enum(TypePath),
    Struct(TypePath),
    List(Box<FieldType>),
    Set(Box<FieldType>),
    Map(Box<FieldType>, Box<FieldType>),
}

/// The types of `base.thrift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseType {
    Blob,
    ErrorCode,
    TaskCode,
    Gpid,
    RpcAddress,
    HostPort,
}

impl BaseType {
    /// The type of a name in `base.thrift`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "blob" => Self::Blob,
            "error_code" => Self::ErrorCode,
            "task_code" => Self::TaskCode,
            "gpid" => Self::Gpid,
            "rpc_address" => Self::RpcAddress,
            "host_port" => Self::HostPort,
            _ => return None,
        })
    }
}

/// A declared type and the file that declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypePath {
    pub module: String,
    pub name: String,
}

impl FieldType {
    /// The constant of `pegasus_wire::FieldType` that announces a field of this type.
    pub fn wire_constant(&self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Byte => "BYTE",
            Self::I16 => "I16",
            Self::I32 | Self::Enum(_) => "I32",
            Self::I64 => "I64",
            Self::Double => "DOUBLE",
            Self::String => "STRING",
            Self::Base(_) | Self::Struct(_) => "STRUCT",
            Self::List(_) => "LIST",
            Self::Set(_) => "SET",
            Self::Map(..) => "MAP",
        }
    }

    /// Types that it is made of, itself included.
    pub fn parts(&self) -> Vec<&Self> {
        let mut parts = vec![self];
        match self {
            Self::List(element) | Self::Set(element) => parts.extend(element.parts()),
            Self::Map(key, value) => {
                parts.extend(key.parts());
                parts.extend(value.parts());
            }
            _ => {}
        }
        parts
    }
}
