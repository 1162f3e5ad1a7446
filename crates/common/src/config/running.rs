//! The configuration of a server that runs: mutable options change, and whoever depends on them is
//! told at once.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::file::ConfigFile;
use super::problem::ChangeError;

/// Told of each change, with the configuration after it.
type Subscriber<C> = Box<dyn Fn(&C) + Send + Sync>;

/// A configuration in use.
pub struct RunningConfig<C> {
    config: Mutex<C>,
    subscribers: Vec<Subscriber<C>>,
}

impl<C: fmt::Debug> fmt::Debug for RunningConfig<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningConfig")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<C: ConfigFile + Clone> RunningConfig<C> {
    /// Takes what was read at the start.
    #[must_use]
    pub fn new(config: C) -> Self {
        Self {
            config: Mutex::new(config),
            subscribers: Vec::new(),
        }
    }

    /// Calls `subscriber` now, and again after each change.
    #[must_use]
    pub fn subscribe(mut self, subscriber: impl Fn(&C) + Send + Sync + 'static) -> Self {
        subscriber(&self.current());
        self.subscribers.push(Box::new(subscriber));
        self
    }

    /// Changes one mutable option; `name` as for [`ConfigFile::change`].
    ///
    /// # Errors
    /// There is no such option, it cannot change at run time, or the value does not fit; then
    /// nothing has changed.
    pub fn change(&self, name: &str, value: &str) -> Result<(), ChangeError> {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        config.change(name, value)?;
        for subscriber in &self.subscribers {
            subscriber(&config);
        }
        Ok(())
    }

    /// What is in force now.
    #[must_use]
    pub fn current(&self) -> C {
        self.config
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
