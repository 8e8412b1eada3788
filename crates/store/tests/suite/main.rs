//! The store on both of its databases. Each test has a database of its own.

#[cfg(test)]
#[macro_use]
mod support;
mod webhooks;

#[cfg(test)]
mod alerts;
#[cfg(test)]
mod check;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod contracts;
#[cfg(test)]
mod custody;
#[cfg(test)]
mod filing;
#[cfg(test)]
mod growth;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod record;
#[cfg(test)]
mod searches;
