//! Nothing is built from here; see the manifest.
