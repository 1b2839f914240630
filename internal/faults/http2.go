package faults

import (
	"encoding/binary"
	"io"
	"strconv"
)

// The codes of HTTP/2 with which a stream is reset.
const (
	NoError       = 0
	ProtocolError = 1
	InternalError = 2
	RefusedStream = 7
)

// The types of frames, and their flags.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	endOfStream, ack, endOfHeaders = 1, 1, 4
)

// Stream is what becomes of one request over HTTP/2.
type Stream func(c *conn2, id uint32)

// conn2 is a connection of HTTP/2.
type conn2 struct {
	*session
	dead bool // nothing goes out any more
}

func (c *conn2) frame(kind, flags byte, id uint32, payload []byte) {
	if c.dead {
		return
	}
	n := len(payload)
	head := binary.BigEndian.AppendUint32([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags}, id)
	_, _ = c.Write(append(head, payload...))
}

// HTTP2 is a server of HTTP/2, over TLS, that takes each request whole and does with it what the stream says whose turn
// it is on this connection; the last one stays.
func HTTP2(streams ...Stream) Step {
	return Step{serve: func(s *session) {
		s.encrypted(Genuine, []string{"h2"}, func(s *session) { s.frames(streams) })
	}}
}

func (s *session) frames(streams []Stream) {
	const preface = 24
	if _, err := io.CopyN(io.Discard, s, preface); err != nil {
		return
	}
	c := &conn2{session: s}
	c.frame(frameSettings, 0, 0, nil)
	for taken := 0; ; {
		var head [9]byte
		if _, err := io.ReadFull(s, head[:]); err != nil {
			return
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(s, payload); err != nil {
			return
		}
		kind, flags, id := head[3], head[4], binary.BigEndian.Uint32(head[5:])
		switch {
		case kind == frameSettings && flags&ack == 0:
			c.frame(frameSettings, ack, 0, nil)
		case kind == framePing && flags&ack == 0:
			c.frame(framePing, ack, 0, payload)
		case (kind == frameHeaders || kind == frameData) && flags&endOfStream != 0:
			s.network.arrive(nil)
			streams[min(taken, len(streams)-1)](c, id)
			taken++
		}
	}
}

// ResetStream ends a stream with a code.
func ResetStream(code uint32) Stream { return ResetInBody("", code) }

// ResetInBody begins an answer with 200 and these bytes, if any, and ends the stream with a code.
func ResetInBody(part string, code uint32) Stream {
	return func(c *conn2, id uint32) {
		if part != "" {
			c.head(id, 200)
			c.frame(frameData, 0, id, []byte(part))
		}
		c.frame(frameReset, 0, id, binary.BigEndian.AppendUint32(nil, code))
	}
}

// GoAway says that the connection ends, with streams that were not looked at, this one among them, and closes it.
func GoAway() Stream {
	return func(c *conn2, id uint32) {
		c.goAway(id - 1)
		_ = c.Close()
	}
}

// ThenClose closes the connection after s, and says so before, so that it is not used again.
func ThenClose(s Stream) Stream {
	return func(c *conn2, id uint32) {
		c.goAway(id)
		s(c, id)
		_ = c.Close()
	}
}

func (c *conn2) goAway(last uint32) {
	c.frame(frameGoAway, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, last), NoError))
}

// Dead answers nothing more on the connection, no ping either.
func Dead() Stream { return func(c *conn2, _ uint32) { c.dead = true } }

// AnswerStream answers.
func AnswerStream(status int, body string) Stream {
	return func(c *conn2, id uint32) {
		c.head(id, status)
		c.frame(frameData, endOfStream, id, []byte(body))
	}
}

func (c *conn2) head(id uint32, status int) {
	const statusLiteral = 8 // the name :status of HPACK's table, with a value that is spelled out
	code := strconv.Itoa(status)
	c.frame(frameHeaders, endOfHeaders, id, append([]byte{statusLiteral, byte(len(code))}, code...))
}
