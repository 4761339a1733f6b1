//! Configuration files out of templates, as nginx's image makes them when a container starts.
//!
//! Source: nginx's Docker image, `20-envsubst-on-templates.sh`; GNU `envsubst` with a list of names: `$NAME` and
//! `${NAME}` of variables that are set are replaced, every other `$` stays, so that nginx's own variables do.
//! Differs: a file takes its place only when it is whole, and what cannot be written ends the start.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::{fs, io};

use portunus_errno::errno_text;
use portunus_routing::Regex;

/// Where templates are, and what may be replaced in them.
#[derive(Debug, Clone)]
pub struct Templates {
    /// `NGINX_ENVSUBST_TEMPLATE_DIR`.
    pub directory: PathBuf,
    /// `NGINX_ENVSUBST_TEMPLATE_SUFFIX`.
    pub suffix: OsString,
    /// `NGINX_ENVSUBST_OUTPUT_DIR`.
    pub output: PathBuf,
    /// The variables, by name.
    pub variables: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Why there is no configuration: the operator's fault, with the file that it is about.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// `NGINX_ENVSUBST_FILTER` is no regular expression.
    #[error("NGINX_ENVSUBST_FILTER: {0}")]
    Filter(String),
    /// A template, or its folder, cannot be read.
    #[error("cannot read \"{}\" ({})", path.display(), errno_text(source))]
    Read {
        /// What cannot.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The result cannot be written.
    #[error("cannot write \"{}\" ({})", path.display(), errno_text(source))]
    Write {
        /// What cannot.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Templates {
    /// What the environment says, with the image's defaults.
    ///
    /// # Errors
    /// When the filter is no regular expression.
    pub fn from_environment(
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, TemplateError> {
        let all: BTreeMap<Vec<u8>, Vec<u8>> = environment
            .into_iter()
            .map(|(name, value)| (name.into_vec(), value.into_vec()))
            .collect();
        let setting = |name: &str, default: &str| {
            let value = all.get(name.as_bytes()).filter(|value| !value.is_empty());
            OsString::from_vec(value.cloned().unwrap_or_else(|| default.into()))
        };
        let filter = setting("NGINX_ENVSUBST_FILTER", "");
        let regex = Regex::compile(filter.as_bytes(), false)
            .map_err(|error| TemplateError::Filter(error.to_string()))?;
        let mut variables = BTreeMap::new();
        for (name, value) in &all {
            let wanted = regex.is_match(name);
            if wanted.map_err(|error| TemplateError::Filter(error.to_string()))? {
                variables.insert(name.clone(), value.clone());
            }
        }
        Ok(Self {
            directory: setting("NGINX_ENVSUBST_TEMPLATE_DIR", "/etc/nginx/templates").into(),
            suffix: setting("NGINX_ENVSUBST_TEMPLATE_SUFFIX", ".template"),
            output: setting("NGINX_ENVSUBST_OUTPUT_DIR", "/etc/nginx/conf.d").into(),
            variables,
        })
    }

    /// Makes every file; returns those that were made, in order. Without a folder of templates there is nothing to do.
    ///
    /// # Errors
    /// The first file that cannot be read or written.
    pub fn render(&self) -> Result<Vec<PathBuf>, TemplateError> {
        let mut templates = Vec::new();
        if self.directory.is_dir() {
            self.find(&self.directory, &mut templates)?;
        }
        templates.sort();
        templates.iter().map(|path| self.render_one(path)).collect()
    }

    /// Templates below a folder, links followed.
    fn find(&self, folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), TemplateError> {
        let failed = |source| TemplateError::Read {
            path: folder.to_owned(),
            source,
        };
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                self.find(&path, found)?;
            } else if path.is_file()
                && path
                    .as_os_str()
                    .as_bytes()
                    .ends_with(self.suffix.as_bytes())
            {
                found.push(path);
            }
        }
        Ok(())
    }

    fn render_one(&self, template: &Path) -> Result<PathBuf, TemplateError> {
        let text = fs::read(template).map_err(|source| TemplateError::Read {
            path: template.to_owned(),
            source,
        })?;
        let name = template.strip_prefix(&self.directory).unwrap_or(template);
        let name = name.as_os_str().as_bytes();
        let name = name.strip_suffix(self.suffix.as_bytes()).unwrap_or(name);
        let path = self.output.join(OsStr::from_bytes(name));
        let written = write_whole(&path, &self.substitute(&text));
        written.map_err(|source| TemplateError::Write {
            path: path.clone(),
            source,
        })?;
        Ok(path)
    }

    /// Replaces the variables in a text.
    #[must_use]
    pub fn substitute(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
            out.extend_from_slice(&rest[..at]);
            rest = &rest[at..];
            let (name, length) = name_behind(rest);
            match self.variables.get(name) {
                Some(value) => out.extend_from_slice(value),
                None => out.extend_from_slice(&rest[..length]),
            }
            rest = &rest[length..];
        }
        out.extend_from_slice(rest);
        out
    }
}

/// The name that a text beginning with `$` means, empty if none, and how long the reference to it is.
fn name_behind(text: &[u8]) -> (&[u8], usize) {
    let braced = text.get(1) == Some(&b'{');
    let start = if braced { 2 } else { 1 };
    let rest = text.get(start..).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = rest.iter().take_while(|byte| is_name(byte)).count();
    let name = &rest[..length];
    if name.is_empty() || name[0].is_ascii_digit() {
        return (b"", 1);
    }
    match (braced, rest.get(length)) {
        (false, _) => (name, start + length),
        (true, Some(b'}')) => (name, start + length + 1),
        (true, _) => (b"", 1),
    }
}

/// Nobody sees a part of the file: it is written beside its place, and put there.
fn write_whole(path: &Path, text: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    let aside = folder.join(name);
    let put = fs::write(&aside, text).and_then(|()| fs::rename(&aside, path));
    if put.is_err() {
        let _ = fs::remove_file(&aside);
    }
    put
}

#[cfg(test)]
mod tests {
    use super::*;

    fn templates(folder: &Path, more: &[(&str, &str)]) -> Templates {
        let path = |name: &str| folder.join(name).into_os_string();
        let own = [
            ("NGINX_ENVSUBST_TEMPLATE_DIR".into(), path("templates")),
            ("NGINX_ENVSUBST_OUTPUT_DIR".into(), path("conf.d")),
        ];
        let more = more.iter().map(|(name, value)| (name.into(), value.into()));
        Templates::from_environment(own.into_iter().chain(more)).unwrap()
    }

    #[test]
    fn only_variables_that_are_set_are_replaced() {
        let templates = templates(
            Path::new("/"),
            &[("PORT", "8080"), ("EMPTY", ""), ("A_1", "$PORT")],
        );
        let text = b"listen ${PORT}; $uri ${uri} $PORTS $PORT-$EMPTY. ${PORT $1 $ $$PORT ${} $A_1";
        assert_eq!(
            String::from_utf8(templates.substitute(text)).unwrap(),
            "listen 8080; $uri ${uri} $PORTS 8080-. ${PORT $1 $ $8080 ${} $PORT"
        );
    }

    #[test]
    fn the_filter_chooses_names() {
        let set = [
            ("APP_PORT", "1"),
            ("host", "2"),
            ("NGINX_ENVSUBST_FILTER", "^APP_"),
        ];
        let templates = templates(Path::new("/"), &set);
        assert_eq!(templates.substitute(b"$APP_PORT $host"), b"1 $host");
        let bad = [("NGINX_ENVSUBST_FILTER".into(), "(".into())];
        let error = Templates::from_environment(bad).unwrap_err().to_string();
        assert!(
            error.starts_with("NGINX_ENVSUBST_FILTER: pcre2_compile() failed"),
            "{error}"
        );
    }

    #[test]
    fn files_are_made_below_the_output() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("templates/sub")).unwrap();
        fs::write(at("templates/default.conf.template"), "listen $PORT;").unwrap();
        fs::write(at("templates/sub/a.conf.template"), "$host").unwrap();
        fs::write(at("templates/notes.txt"), "$PORT").unwrap();
        let templates = templates(folder.path(), &[("PORT", "80")]);
        let made = templates.render().unwrap();
        assert_eq!(made, [at("conf.d/default.conf"), at("conf.d/sub/a.conf")]);
        assert_eq!(fs::read(at("conf.d/default.conf")).unwrap(), b"listen 80;");
        assert_eq!(fs::read(at("conf.d/sub/a.conf")).unwrap(), b"$host");
        assert_eq!(
            fs::read_dir(at("conf.d")).unwrap().count(),
            2,
            "nothing is left aside"
        );
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("templates")).unwrap();
        fs::write(at("templates/a.template"), "").unwrap();
        fs::write(at("conf.d"), "a file in the way").unwrap();
        let error = templates(folder.path(), &[])
            .render()
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot write \""), "{error}");
        assert!(error.contains("conf.d/a\" ("), "{error}");
        assert!(!error.contains("os error"), "{error}");
        let none = templates(&at("nowhere"), &[]);
        assert_eq!(none.render().unwrap(), Vec::<PathBuf>::new());
    }
}
