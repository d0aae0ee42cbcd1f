//! portion
