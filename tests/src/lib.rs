//! Black-box tests against the real binary.
