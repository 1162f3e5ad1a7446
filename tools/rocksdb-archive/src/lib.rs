//! Empty: only the dependency is of interest.
