//! What may go to other threads: a field that may not would change the interface without a word.

use dtls_wire::{
    Ack, AnyRecord, CipherSuite, ClientHello, ClientHelloStart, Decoder, EncodeError, Encoder,
    ExtensionContent, Extensions, Fragments, KeyShareEntry, List, Malformed, Records, ServerHello,
};

#[test]
fn everything_may_go_to_another_thread() {
    shared::<AnyRecord<'static>>();
    shared::<Records<'static>>();
    shared::<Fragments<'static>>();
    shared::<ClientHello<'static>>();
    shared::<ClientHelloStart<'static>>();
    shared::<ServerHello<'static>>();
    shared::<Extensions<'static>>();
    shared::<ExtensionContent<'static>>();
    shared::<List<'static, CipherSuite>>();
    shared::<List<'static, KeyShareEntry<'static>>>();
    shared::<Ack<'static>>();
    shared::<Decoder<'static>>();
    shared::<Encoder<'static>>();
    shared::<Malformed>();
    shared::<EncodeError>();
}

fn shared<T: Send + Sync + Unpin + 'static>() {}
