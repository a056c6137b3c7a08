//! Sealed objects that are opened as they come, so that a large one is never held whole.

use super::Vault;
use super::sealed::{self, HEAD_BYTES, Head, Opening, SEGMENT_BYTES};
use crate::failure::{Failure, FailureKind};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// An object on its way.
struct Coming {
    vault: Arc<Vault>,
    tenant: String,
    name: String,
    object: BoxStream<'static, Result<Bytes, Failure>>,
    state: State,
}

enum State {
    Beginning,
    /// It was not sealed.
    Plain,
    Sealed(Box<Opening>),
    Over,
}

impl Vault {
    /// What an object holds, as its bytes come. The last of them come only when it is known that nothing was cut off.
    pub(crate) fn open_stream(
        self: &Arc<Self>,
        tenant: &str,
        name: &str,
        object: BoxStream<'static, Result<Bytes, Failure>>,
    ) -> BoxStream<'static, Result<Bytes, Failure>> {
        let (vault, tenant, name) = (Arc::clone(self), tenant.to_owned(), name.to_owned());
        let coming = Coming { vault, tenant, name, object, state: State::Beginning };
        let step = |mut coming: Coming| async { Ok(coming.next().await?.map(|bytes| (bytes, coming))) };
        futures::stream::try_unfold(coming, step).boxed()
    }
}

impl Coming {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if matches!(self.state, State::Beginning) {
            let first = self.begin().await?;
            if !first.is_empty() {
                return Ok(Some(first));
            }
        }
        let mut out = Vec::new();
        while let Some(bytes) = self.object.try_next().await? {
            match &mut self.state {
                State::Sealed(opening) => opening.push(&bytes, &mut out)?,
                State::Beginning | State::Plain => return Ok(Some(bytes)),
                State::Over => return Ok(None),
            }
            if out.len() >= SEGMENT_BYTES {
                return Ok(Some(out.into()));
            }
        }
        if let State::Sealed(opening) = std::mem::replace(&mut self.state, State::Over) {
            opening.finish(&mut out)?;
        }
        Ok((!out.is_empty()).then(|| out.into()))
    }

    /// Reads the head, if it has one; says what is known by then of what the object holds.
    async fn begin(&mut self) -> Result<Bytes, Failure> {
        let mut held = Vec::new();
        while held.len() < HEAD_BYTES
            && let Some(bytes) = self.object.try_next().await?
        {
            held.extend_from_slice(&bytes);
        }
        let gone = || Failure::new(FailureKind::NotFound, format!("{} was erased", self.name));
        if !sealed::is_sealed(&held) {
            if !self.vault.takes_plain(&self.tenant, &self.name).await? {
                return Err(gone());
            }
            self.state = State::Plain;
            return Ok(held.into());
        }
        let (head, segments) = Head::split(&held).ok_or_else(|| sealed::damaged(&self.name))?;
        let key = self.vault.key(&self.tenant, head.key, &self.name).await?.ok_or_else(gone)?;
        let mut opening = Opening::new(&key, &head, &self.name)?;
        let mut out = Vec::new();
        opening.push(segments, &mut out)?;
        self.state = State::Sealed(Box::new(opening));
        Ok(out.into())
    }
}
