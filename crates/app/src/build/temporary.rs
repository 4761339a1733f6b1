//! Where bodies go that outgrow memory.

use std::path::PathBuf;
use std::sync::Arc;

use portunus_conf::{Diagnostic, DirectiveId, Scope, Severity};
use portunus_errno::errno_text;
use portunus_spool::Limits;

use super::Builder;

const HELP: &str =
    "mount a directory that can be written, such as a tmpfs, and name it in client_body_temp_path";

impl Builder<'_> {
    /// Room for an answer that is read ahead: `…_buffers`, `…_max_temp_file_size`, `…_temp_path`; where no
    /// directory is named, that of request bodies.
    pub(super) fn answer_spool(
        &mut self,
        scope: Scope<'_>,
        buffers: DirectiveId,
        file: DirectiveId,
        temp_path: DirectiveId,
    ) -> Limits {
        let buffers = scope.buffers(buffers);
        let memory = buffers.number.saturating_mul(buffers.size);
        let directory = match scope.find(temp_path) {
            Some(_) => self.temp_dir(scope, temp_path),
            None => Arc::clone(&self.temp_dir),
        };
        Limits {
            memory: usize::try_from(memory).unwrap_or(usize::MAX),
            file: scope.size(file),
            directory,
        }
    }

    /// The directory of a `…_temp_path`, made if it is missing; where nothing can be written there,
    /// the system's place for temporary files.
    ///
    /// Differs: nginx does not start without it. On a read-only root most requests need none.
    pub(super) fn temp_dir(&mut self, scope: Scope<'_>, id: DirectiveId) -> Arc<PathBuf> {
        let fallback = std::env::temp_dir();
        let wanted = scope.path(id).unwrap_or_else(|| fallback.clone());
        if self.temp_dirs.contains(&wanted) {
            return Arc::new(wanted);
        }
        let Err(error) = portunus_spool::prepare(&wanted) else {
            if wanted != fallback {
                self.temp_dirs.insert(wanted.clone());
            }
            return Arc::new(wanted);
        };
        let (path, reason) = (wanted.display(), errno_text(&error));
        let directive = scope.find(id);
        let say = |what: String| match directive {
            Some(directive) => Diagnostic::on(directive, Severity::Warn, what),
            None => Diagnostic::new(Severity::Warn, what, u32::MAX),
        };
        if portunus_spool::prepare(&fallback).is_err() {
            let what = format!(
                "no temporary file can be made in \"{path}\" ({reason}): what outgrows memory will fail"
            );
            self.diagnostics.push(say(what).with_help(HELP));
            return Arc::new(wanted);
        }
        // Nobody asked for the default. Levels that inherit the directive come across it again.
        if directive.is_some() {
            let (name, instead) = (id.name, fallback.display());
            let what = format!("\"{name}\" {path} cannot be used ({reason}), \"{instead}\" is");
            let warning = say(what);
            if !self.diagnostics.iter().any(|known| *known == warning) {
                self.diagnostics.push(warning);
            }
        }
        Arc::new(fallback)
    }
}
