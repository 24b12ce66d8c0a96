//! Where mail goes: into a file, to the standard output, or through a relay.

use std::{error::Error, io, sync::Arc};

#[cfg(feature = "smtp")]
use auth_credentials::SmtpNotifier;
use auth_web::{
    core::AuditSink,
    credentials::{Notifier, WriterNotifier},
};

use crate::cli::{Options, Smtp};

/// What takes the messages. Cheap to clone.
#[derive(Clone)]
pub struct Mail {
    notifier: Arc<dyn Notifier>,
    #[cfg(feature = "smtp")]
    relay: Option<SmtpNotifier>,
}

impl Mail {
    /// As the options have it. Needs tokio around it.
    pub fn open(options: &Options, audit: &Arc<dyn AuditSink>) -> Result<Self, Box<dyn Error>> {
        match options.smtp.relay()? {
            Some(smtp) => through(smtp, audit),
            None => Ok(Self::written(written(options)?)),
        }
    }

    fn written(notifier: WriterNotifier) -> Self {
        Self {
            notifier: Arc::new(notifier),
            #[cfg(feature = "smtp")]
            relay: None,
        }
    }

    pub fn notifier(&self) -> Arc<dyn Notifier> {
        Arc::clone(&self.notifier)
    }

    /// Sends what is still under way, before the program ends.
    pub async fn close(&self) {
        #[cfg(feature = "smtp")]
        if let Some(relay) = &self.relay {
            relay.shut_down(std::time::Duration::from_secs(10)).await;
        }
    }
}

fn written(options: &Options) -> io::Result<WriterNotifier> {
    let Some(file) = options.mail_file()? else { return WriterNotifier::start(io::stdout()) };
    WriterNotifier::file(&file)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
}

#[cfg(feature = "smtp")]
fn through(smtp: Smtp, audit: &Arc<dyn AuditSink>) -> Result<Mail, Box<dyn Error>> {
    use auth_credentials::{MailAddress, MailSender, SmtpRelay};

    let relay = SmtpRelay::parse(&smtp.url, smtp.password)?;
    let from = MailSender::new("Quickstart", &MailAddress::canonical(&smtp.from)?)?;
    let (notifier, delivery) = SmtpNotifier::new(relay, from, Arc::clone(audit));
    tokio::spawn(delivery.run());
    Ok(Mail { notifier: Arc::new(notifier.clone()), relay: Some(notifier) })
}

#[cfg(not(feature = "smtp"))]
fn through(_: Smtp, _: &Arc<dyn AuditSink>) -> Result<Mail, Box<dyn Error>> {
    Err("this build has no smtp; start it by `cargo run -p quickstart --features smtp`".into())
}
