//! What stands between OpenSSL and the datagrams, in a handshake and in a session that stays with
//! OpenSSL's records; the timer. It may use `records`, `credentials`, `openssl` and what these may use.

pub(crate) mod beginning;
pub(crate) mod cut;
pub(crate) mod dialogue;
pub(crate) mod early;
pub(crate) mod egress;
pub(crate) mod ingress;
pub(crate) mod inquiry;
pub(crate) mod last_flight;
pub(crate) mod numbering;
pub(crate) mod pace;
pub(crate) mod progress;
pub(crate) mod takeover;
pub(crate) mod transport;
pub(crate) mod warning;
pub(crate) mod witness;

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::ReadBuf,
    time::{Instant, Sleep, sleep},
};

use crate::{
    error::{OpenSslError, failure::Failure},
    openssl::{context::Fresh, engine::Engine, material::Material},
    record_layer::{pace::Pace, transport::Transport, warning::Warnings},
    records::{Opened, layout::MAX_PLAINTEXT},
    settings::message_log::MessageLog,
    stats::SessionStats,
};

/// OpenSSL's records, of a handshake and of a session that stays with them.
///
/// Each poll ends with a flush and, while OpenSSL has a timer running, with one armed `Sleep`.
/// On its expiry polling again is all that OpenSSL needs.
pub(crate) struct RecordLayer {
    engine: Engine<Transport>,
    pace: Arc<Pace>,
    timer: Option<Pin<Box<Sleep>>>,
    warnings: Warnings,
    /// The MTU that was asked for, or that repeats have led to; the path's own may be smaller.
    mtu: usize,
}

impl RecordLayer {
    pub(crate) fn new(
        ssl: Fresh,
        transport: Transport,
        pace: Arc<Pace>,
    ) -> Result<Self, OpenSslError> {
        let mtu = transport.egress().mtu();
        let mut layer = Self {
            engine: Engine::new(ssl, transport)?,
            pace,
            timer: None,
            warnings: Warnings::default(),
            mtu,
        };
        layer.follow_path();
        Ok(layer)
    }

    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.transport().link_mut().begin_poll();
        let mut unmoved = 0;
        loop {
            if self.transport().poll_inquiry(cx).is_pending() {
                let _ = self.transport().poll_drain(cx);
                return Poll::Pending;
            }
            self.lower_mtu_after_silence();
            self.follow_path();
            let outcome = self.engine.poll_handshake(cx);
            if let Some(mtu) = self.transport().dialogue_mut().take_proven() {
                tracing::debug!(
                    mtu,
                    "lowering the MTU: larger datagrams have not come through"
                );
                self.set_mtu(mtu);
            }
            if outcome.is_pending() {
                self.mend();
            }
            let drained = self.poll_departure(cx);
            if let Some(error) = self.transport().link_mut().take_failure() {
                return Poll::Ready(Err(Failure::of_pipe(error)));
            }
            match outcome {
                Poll::Ready(Ok(())) => {
                    let ours = self.sent_last_flight();
                    self.transport().establish(ours);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if self.transport().inquires() => continue,
                // After a ChangeCipherSpec out of place OpenSSL asks to wait, for nothing in
                // particular, and whoever sends many of them would hold up what comes behind.
                Poll::Pending if self.transport().take_fed() => {
                    unmoved += 1;
                    if unmoved < MAX_UNMOVED {
                        continue;
                    }
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                // A timer that expires while the last flight still waits would only add to it.
                Poll::Pending if drained.is_pending() => return Poll::Pending,
                Poll::Pending => {}
            }
            if self.poll_timer(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Starts a client's handshake anew, from the first hello.
    pub(crate) fn restart(&mut self) -> Result<(), OpenSslError> {
        self.transport().restart();
        let mtu = self.transport().egress_mut().mtu();
        self.engine.restart(mtu)
    }

    /// Reads one record's plaintext, of which OpenSSL gives as much at a time as there is room for.
    pub(crate) fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<Opened, Failure>> {
        let opened = ready!(self.poll_read(cx, buf))?;
        let left = self.engine.pending();
        let Opened::Record(length) = opened else {
            return Poll::Ready(Ok(opened));
        };
        if left == 0 {
            return Poll::Ready(Ok(opened));
        }
        let mut whole = buf[..length].to_vec();
        whole.resize(length + left, 0);
        ready!(self.poll_read(cx, &mut whole[length..]))?;
        Poll::Ready(Ok(Opened::Long(whole.into())))
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<Result<Opened, Failure>> {
        let mut unmoved = 0;
        self.transport().link_mut().begin_poll();
        loop {
            let many = self.warnings.are_many();
            let alert = self.transport().open_gate(many);
            if alert {
                self.engine.expect_alert();
            }
            let mut plaintext = ReadBuf::new(buf);
            let outcome = self.engine.poll_read(cx, &mut plaintext);
            let length = plaintext.filled().len();
            let passed = alert && self.engine.take_warning();
            if passed {
                self.warnings.count();
                self.transport().count_warning();
            }
            let again = match outcome {
                Poll::Ready(Ok(())) if length > 0 => {
                    self.warnings.interrupt();
                    // Reading may have repeated the last flight.
                    if self.is_unsent() {
                        let _ = self.transport().poll_drain(cx);
                    }
                    return Poll::Ready(Ok(Opened::Record(length)));
                }
                Poll::Ready(Ok(())) if !passed && self.engine.received_shutdown() => {
                    return Poll::Ready(Ok(Opened::CloseNotify));
                }
                // An empty record is nobody's end.
                Poll::Ready(Ok(())) => true,
                Poll::Ready(Err(error)) => {
                    let _ = self.transport().poll_drain(cx);
                    return Poll::Ready(if error.is_close_notify() {
                        Ok(Opened::CloseNotify)
                    } else {
                        Err(error)
                    });
                }
                Poll::Pending => self.transport().shut_gate(),
            };
            // Reading may have repeated the last flight.
            let drained = self.transport().poll_drain(cx);
            if let Some(error) = self.transport().link_mut().take_failure() {
                return Poll::Ready(Err(Failure::of_pipe(error)));
            }
            if again {
                unmoved += 1;
                if unmoved < MAX_UNMOVED {
                    continue;
                }
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if drained.is_pending() || self.poll_timer(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Makes a record of `plaintext`, which fits the MTU, and hands it to the transport.
    pub(crate) fn seal(&mut self, cx: &mut Context<'_>, plaintext: &[u8]) -> Result<(), Failure> {
        match self.engine.poll_write(cx, plaintext) {
            Poll::Ready(outcome) => outcome.map(drop),
            // The transport takes every write and renegotiation is off, so nothing can be
            // waited for; a record lost here is lost as on the wire.
            Poll::Pending => Ok(()),
        }
    }

    /// Makes a close_notify, once.
    pub(crate) fn seal_close(&mut self, cx: &mut Context<'_>) {
        self.engine.shut_down(cx);
    }

    /// Sends what earlier calls could not.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.transport().poll_drain(cx)
    }

    /// Waits for OpenSSL's timer; Pending for ever while none runs.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.engine.timeout() else {
            self.timer = None;
            return Poll::Pending;
        };
        // OpenSSL reckons by the wall clock: where that jumps, our own interval is the bound.
        let mut left = left.min(self.pace.interval());
        if let Some(end) = self.transport_ref().dialogue().gap_ends() {
            left = left.min(end.saturating_duration_since(Instant::now()));
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(left)));
        timer.as_mut().reset(Instant::now() + left);
        timer.as_mut().poll(cx)
    }

    /// Sends the present flight again, if the peer has repeated its own (RFC 6347 4.2.4), or a part
    /// of the peer's is missing.
    ///
    /// Who repeats a flight is there, and so is the path for small datagrams: where it does so
    /// again after it was answered, the answers may be too large (RFC 6347 4.1.1.1). Only if a
    /// smaller one is then answered, the MTU follows.
    fn mend(&mut self) {
        let wanted = self.transport().dialogue_mut().take_repeat();
        if wanted {
            let dialogue = self.transport_ref().dialogue();
            let (missed, queued) = (dialogue.missed() as usize, dialogue.is_queued());
            let egress = self.transport_ref().egress();
            // One repeat may be due to any loss.
            let smaller = missed
                .checked_sub(2)
                .and_then(|nth| egress.mtu_in_turn(nth));
            // The timer may have expired at the same time.
            if (!queued || smaller.is_some()) && self.transport().repeat_flight(smaller) {
                self.transport().count_answer();
            }
        }
        if self.transport().dialogue_mut().take_gap() && !wanted {
            self.transport().repeat_flight(None);
        }
    }

    /// Makes datagrams smaller where nothing has been heard for long.
    ///
    /// That is no more than a last resort: a silent peer most likely computes, or is gone.
    fn lower_mtu_after_silence(&mut self) {
        // OpenSSL is about to repeat the flight if no time is left, and will count it then.
        let repeats = self.engine.timeout().is_some_and(|left| left.is_zero());
        let silent = self.pace.expiries() + 1 >= SILENT_EXPIRIES
            && self.pace.waited() >= SILENCE
            && self.transport_ref().dialogue().missed() == 0;
        if repeats && silent {
            self.lower_mtu();
        }
    }

    fn lower_mtu(&mut self) {
        if let Some(mtu) = self.transport().egress_mut().smaller_mtu() {
            tracing::debug!(mtu, "lowering the MTU: large datagrams may be lost");
            self.set_mtu(mtu);
        }
    }

    /// The largest datagram that is sent, in bytes of UDP payload.
    pub(crate) fn mtu(&self) -> usize {
        self.transport_ref().egress().mtu()
    }

    /// Whether something waits for the pipe to take it.
    pub(crate) fn is_unsent(&self) -> bool {
        self.transport_ref().egress().front().is_some()
    }

    pub(crate) fn set_mtu(&mut self, mtu: usize) {
        self.mtu = mtu;
        self.apply_mtu(self.path_mtu());
    }

    /// Keeps to what the pipe knows of the path, smaller or larger than it was, and returns whether
    /// the flight that was lost for it is to be sent again.
    pub(crate) fn follow_path(&mut self) -> bool {
        let mtu = self.path_mtu();
        let former = self.transport_ref().egress().mtu();
        if mtu != former {
            tracing::debug!(mtu, former, "the path's MTU has changed");
            self.apply_mtu(mtu);
        }
        mtu < former && self.transport().repeat_flight(None)
    }

    /// Sends what is queued, at once again where the path turns out to be narrower.
    fn poll_departure(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let drained = self.transport().poll_drain(cx);
            if !self.follow_path() {
                return drained;
            }
        }
    }

    fn path_mtu(&self) -> usize {
        self.transport_ref().link().mtu_within(self.mtu)
    }

    fn apply_mtu(&mut self, mtu: usize) {
        self.transport().egress_mut().set_mtu(mtu);
        self.engine.set_mtu(mtu);
    }

    /// How much plaintext one datagram carries now.
    pub(crate) fn max_plaintext(&mut self) -> usize {
        self.follow_path();
        let agreed = self.engine.max_fragment_length().unwrap_or(MAX_PLAINTEXT);
        self.engine.data_mtu().min(agreed)
    }

    /// Fills `out` from the session's secrets.
    pub(crate) fn export(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), OpenSslError> {
        self.engine.export(out, label, context)
    }

    pub(crate) fn stats(&self) -> SessionStats {
        SessionStats {
            retransmissions: self.retransmissions(),
            ..self.transport_ref().link().stats()
        }
    }

    /// The error by which the network refuses this side's datagrams.
    pub(crate) fn take_refusal(&mut self) -> Option<io::Error> {
        self.transport().link_mut().refusals_mut().take_error()
    }

    /// Takes the record number of a verified hello that has come again.
    pub(crate) fn hear_hello(&mut self, record: u64) {
        self.transport().dialogue_mut().heard_hello(record);
    }

    pub(crate) fn transport(&mut self) -> &mut Transport {
        self.engine.carrier_mut()
    }

    /// Whether the last flight of the handshake is this side's.
    pub(crate) fn sent_last_flight(&self) -> bool {
        self.is_server() != self.engine.session_reused()
    }

    pub(crate) fn is_server(&self) -> bool {
        self.engine.is_server()
    }

    /// The MTU that was asked for, or that repeats have led to.
    pub(crate) fn asked_mtu(&self) -> usize {
        self.mtu
    }

    pub(crate) fn max_fragment_length(&self) -> Option<usize> {
        self.engine.max_fragment_length()
    }

    /// What a session's keys are derived from.
    pub(crate) fn material(&self) -> Option<Material> {
        self.engine.material()
    }

    pub(crate) fn message_log(&self) -> Option<MessageLog> {
        self.engine.message_log()
    }

    pub(crate) fn into_transport(self) -> Transport {
        self.engine.into_carrier()
    }

    pub(crate) fn engine(&self) -> &Engine<Transport> {
        &self.engine
    }

    pub(crate) fn transport_ref(&self) -> &Transport {
        self.engine.carrier()
    }

    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.transport_ref().dialogue().round_trip()
    }

    pub(crate) fn retransmissions(&self) -> u64 {
        self.pace.total_expiries().into()
    }

    /// How long a peer may be silent before its silence means something.
    pub(crate) fn patience(&self) -> Duration {
        self.pace.interval().clamp(MIN_PATIENCE, MAX_PATIENCE)
    }
}

/// How many records that change nothing are read before others may run.
const MAX_UNMOVED: u32 = 64;
const SILENT_EXPIRIES: u32 = 4;
const SILENCE: Duration = Duration::from_secs(5);
const MIN_PATIENCE: Duration = Duration::from_millis(500);
const MAX_PATIENCE: Duration = Duration::from_secs(2);
