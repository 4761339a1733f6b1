//! Vite's build manifest, as Laravel has it in `public/build/manifest.json`: which files may be cached for ever.
//!
//! Only what the manifest names has a hash of its content in its name. Everything else below `build/` may change under
//! the same name and must not be called immutable.

use std::collections::HashSet;

use serde_json::Value;

/// The files that a build made, relative to the folder of the manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildManifest {
    files: HashSet<Box<[u8]>>,
}

/// The manifest is not what Vite writes.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The operator's file is no JSON.
    #[error("cannot read the build manifest: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON, but not an object of chunks that each name a file.
    #[error("cannot read the build manifest: {0}")]
    Shape(&'static str),
}

impl BuildManifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// If it is not JSON, or not an object of chunks that each name a file.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        let Value::Object(chunks) = serde_json::from_slice(json)? else {
            return Err(ManifestError::Shape("not an object"));
        };
        // https://vite.dev/guide/backend-integration.html: `file` always, `css` and `assets` where there are any.
        let mut files = HashSet::new();
        for chunk in chunks.values() {
            let file = chunk.get("file").and_then(Value::as_str);
            let file = file.ok_or(ManifestError::Shape("a chunk without a file"))?;
            let lists = ["css", "assets"].map(|list| chunk.get(list).and_then(Value::as_array));
            let others = lists
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(Value::as_str);
            files.extend(others.chain([file]).map(|file| file.as_bytes().into()));
        }
        Ok(Self { files })
    }

    /// Whether the build made `path`, relative to the folder of the manifest, without a leading slash.
    #[must_use]
    pub fn contains(&self, path: &[u8]) -> bool {
        self.files.contains(path)
    }

    /// All files that the build made, in no order.
    pub fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.files.iter().map(AsRef::as_ref)
    }

    /// How many files there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether the build made nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_listed_files_are_immutable() {
        let manifest = BuildManifest::parse(
            br#"{
                "resources/js/app.js": {
                    "file": "assets/app-4ed993c7.js", "name": "app", "src": "resources/js/app.js",
                    "isEntry": true, "imports": ["_shared-B7PI925R.js"],
                    "css": ["assets/app-5UjPuW-k.css"], "assets": ["assets/logo-BQVvr_1a.svg"]
                },
                "_shared-B7PI925R.js": { "file": "assets/shared-B7PI925R.js" }
            }"#,
        )
        .expect("as Vite writes it");
        assert_eq!(manifest.len(), 4);
        for file in [
            "assets/app-4ed993c7.js",
            "assets/app-5UjPuW-k.css",
            "assets/logo-BQVvr_1a.svg",
        ] {
            assert!(manifest.contains(file.as_bytes()), "{file}");
        }
        assert!(!manifest.contains(b"manifest.json"));
        assert!(!manifest.contains(b"resources/js/app.js"));
        assert!(!manifest.contains(b"/assets/app-4ed993c7.js"));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        assert!(BuildManifest::parse(b"").is_err());
        assert!(BuildManifest::parse(b"[]").is_err());
        assert!(BuildManifest::parse(br#"{"a":{"src":"a"}}"#).is_err());
        assert!(
            BuildManifest::parse(b"{}")
                .expect("nothing built")
                .is_empty()
        );
    }
}
