//! Sessions on hosts.
