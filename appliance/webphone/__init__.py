"""Telephones in browsers, in a process of their own (`hako-webphone`) that is started on demand.

A browser's audio comes by WebRTC (aiortc: ICE, DTLS-SRTP) and goes on to the media engine as plain RTP over loopback,
its Opus packets undecoded. Towards the box each browser is a SIP phone like any other. May import net, sip, errors and
clock; aiortc in `peer` alone, so that `hako` itself may import `messages` and `keeper`.
"""
