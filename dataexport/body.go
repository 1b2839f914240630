package dataexport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"io"
	"os"

	"github.com/adasdk/ada-go/internal/rawjson"
)

// bodyBuffer is how much of a body is held in memory, in bytes, while no value in it is longer.
const bodyBuffer = 128 << 10

// body is the body of an answer, first to be read to its end as JSON text, and then to have its records taken from.
// It can have hundreds of megabytes: nothing of a page is handed out before all of it has come, and it should not be all
// in memory. What was read goes to a temporary file, under a key that is nowhere but in memory, so that nothing personal
// is left on a disk. The end of the body, and a short one altogether, stays in memory, as does all of it where no file
// can be written.
type body struct {
	source     io.Reader
	err        error // why there is no more
	buffer     []byte
	start, end int   // what of the buffer was read and not yet taken
	before     int64 // how much of the body is not in the buffer any more

	file   *os.File
	block  cipher.Block
	cipher cipher.Stream // for the end of the file; nil: nothing has gone there
	sealed []byte        // what goes to the file
	kept   bool          // the file has failed, and the buffer keeps all that comes
}

// begin makes b ready for another body.
func (b *body) begin(source io.Reader) {
	if b.buffer == nil {
		b.buffer = make([]byte, bodyBuffer)
	}
	b.source, b.err, b.start, b.end, b.before, b.cipher, b.kept = source, nil, 0, 0, 0, nil, false
}

func (b *body) close() {
	if b.file != nil {
		_ = b.file.Close()
		_ = os.Remove(b.file.Name()) // on systems that keep a file with an open descriptor
	}
	*b = body{}
}

// offset is where in the body the start of the buffer is.
func (b *body) offset() int64 { return b.before + int64(b.start) }

// errEnd is where the text ends; within a value that is an error of syntax.
var errEnd = &json.SyntaxError{}

func (b *body) syntax() error { return &json.SyntaxError{Offset: b.offset()} }

// more reads on. What take has returned before is overwritten.
func (b *body) more() error {
	if b.err != nil {
		if b.err == io.EOF || b.err == io.ErrUnexpectedEOF {
			return errEnd
		}
		return b.err
	}
	if !b.kept && b.start > 0 && b.flush() {
		b.before += int64(b.start)
		b.end = copy(b.buffer, b.buffer[b.start:b.end])
		b.start = 0
	}
	if b.end == len(b.buffer) {
		b.buffer = append(b.buffer, make([]byte, len(b.buffer))...)
	}
	n, err := io.ReadFull(b.source, b.buffer[b.end:])
	b.end += n
	b.err = err
	if n == 0 {
		return b.more()
	}
	return nil
}

// flush appends what was taken to the file.
func (b *body) flush() bool {
	b.kept = b.cipher == nil && !b.open()
	if b.kept {
		return false
	}
	if len(b.sealed) < b.start {
		b.sealed = make([]byte, len(b.buffer))
	}
	b.cipher.XORKeyStream(b.sealed, b.buffer[:b.start])
	_, err := b.file.WriteAt(b.sealed[:b.start], b.before)
	b.kept = err != nil
	return !b.kept
}

func (b *body) open() bool {
	if b.file == nil {
		file, err := os.CreateTemp("", "ada-export-*")
		if err != nil {
			return false
		}
		_ = os.Remove(file.Name()) // it goes with its descriptor
		b.file = file
	}
	var key [16]byte
	_, _ = rand.Read(key[:]) // never fails
	b.block, _ = aes.NewCipher(key[:])
	b.cipher = b.stream()
	return true
}

func (b *body) stream() cipher.Stream {
	return cipher.NewCTR(b.block, make([]byte, aes.BlockSize)) // #nosec G407 -- a key is used for one file
}

// peek skips white space and returns the next byte without taking it.
func (b *body) peek() (byte, error) {
	for {
		b.start += rawjson.Space(b.buffer[b.start:b.end])
		if b.start < b.end {
			return b.buffer[b.start], nil
		}
		if err := b.more(); err != nil {
			return 0, err
		}
	}
}

// take returns what scan finds at the start. It is good until the next call.
func (b *body) take(scan func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := scan(b.buffer[b.start:b.end])
		if err == nil {
			v := b.buffer[b.start : b.start+n]
			b.start += n
			return v, nil
		}
		if err != rawjson.ErrShort {
			return nil, err
		}
		if err := b.more(); err != nil {
			return nil, err
		}
	}
}

// list takes an object or an array, from its bracket to the closing one, with element for each element.
func (b *body) list(closing byte, element func() error) error {
	b.start++
	if c, err := b.peek(); err != nil {
		return err
	} else if c == closing {
		b.start++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		c, err := b.peek()
		if err != nil {
			return err
		}
		switch c {
		case ',':
			b.start++
		case closing:
			b.start++
			return nil
		default:
			return b.syntax()
		}
	}
}

// reader returns a reader of parts of the body, in their order.
func (b *body) reader() *bodyReader { return &bodyReader{body: b} }

type bodyReader struct {
	body   *body
	cipher cipher.Stream // at end
	buffer []byte
	part   []byte // of the buffer, what of the body ends at end
	end    int64
}

// next returns size bytes at an offset. They are good until the next call.
func (r *bodyReader) next(offset int64, size int) ([]byte, error) {
	for r.end < offset+int64(size) {
		if err := r.fill(offset); err != nil {
			return nil, err
		}
	}
	at := len(r.part) - int(r.end-offset)
	return r.part[at : at+size : at+size], nil
}

// fill reads on, and keeps what it has from an offset on.
func (r *bodyReader) fill(offset int64) error {
	b := r.body
	if r.buffer == nil && b.before > 0 {
		r.buffer, r.cipher = make([]byte, bodyBuffer), b.stream()
	}
	kept := max(r.end-offset, 0)
	if r.end >= b.before && kept == 0 { // the rest of the body is at hand
		r.part, r.end = b.buffer[:b.end], b.before+int64(b.end)
		if r.end <= offset {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	copy(r.buffer, r.part[int64(len(r.part))-kept:])
	if int(kept) == len(r.buffer) {
		r.buffer = append(r.buffer, make([]byte, len(r.buffer))...)
	}
	more := r.buffer[kept:]
	if left := b.before - r.end; left > 0 {
		more = more[:min(int64(len(more)), left)]
		if _, err := b.file.ReadAt(more, r.end); err != nil {
			return err
		}
		r.cipher.XORKeyStream(more, more)
	} else if more = more[:copy(more, b.buffer[r.end-b.before:b.end])]; len(more) == 0 {
		return io.ErrUnexpectedEOF
	}
	r.end += int64(len(more))
	r.part = r.buffer[:int(kept)+len(more)]
	return nil
}
