package dataexport

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"io"
	"os"
)

// chunk is how much of a page is held in memory, in bytes.
const chunk = 512 << 10

// spool holds the records of one page, of up to hundreds of megabytes: nothing of a page is handed out before all of it
// has come, and it should not be all in memory. What is more than a chunk goes through a temporary file, under a key
// that is nowhere but in memory, so that nothing personal is left on a disk. Where no file can be written, the page
// stays in memory. Its zero value is empty.
type spool struct {
	tail   []byte // what is not in the file: the last chunk, or all the rest when the file has failed
	chunks int    // in the file
	file   *os.File
	block  cipher.Block
	failed bool
}

func (s *spool) Write(p []byte) (int, error) {
	written := len(p)
	for !s.failed && len(s.tail)+len(p) > chunk {
		n := chunk - len(s.tail)
		s.tail = append(s.tail, p[:n]...)
		p = p[n:]
		s.failed = !s.flush()
	}
	s.tail = append(s.tail, p...)
	return written, nil
}

// flush moves the full tail to the file.
func (s *spool) flush() bool {
	if s.file == nil && !s.open() {
		return false
	}
	s.crypt(s.chunks, s.tail)
	if _, err := s.file.WriteAt(s.tail, int64(s.chunks)*chunk); err != nil {
		s.crypt(s.chunks, s.tail)
		return false
	}
	s.chunks++
	s.tail = s.tail[:0]
	return true
}

func (s *spool) open() bool {
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return false
	}
	file, err := os.CreateTemp("", "ada-export-*")
	if err != nil {
		return false
	}
	_ = os.Remove(file.Name()) // it goes with its descriptor; Windows removes it in close
	s.file, s.block = file, block
	return true
}

// crypt encrypts a chunk, or decrypts it.
func (s *spool) crypt(number int, b []byte) {
	var iv [aes.BlockSize]byte
	binary.BigEndian.PutUint64(iv[:], uint64(number))
	cipher.NewCTR(s.block, iv[:]).XORKeyStream(b, b)
}

// reset empties the spool. It keeps its file.
func (s *spool) reset() {
	s.chunks, s.tail, s.failed = 0, s.tail[:0], false
}

func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
	*s = spool{}
}

// reader returns a reader of all that the spool holds.
func (s *spool) reader() io.Reader { return &spoolReader{spool: s} }

type spoolReader struct {
	spool  *spool
	buffer []byte // a chunk of the file
	next   int    // the chunk to read
	rest   []byte // of the chunk that was read last
}

func (r *spoolReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		switch s := r.spool; {
		case r.next < s.chunks:
			if r.buffer == nil {
				r.buffer = make([]byte, chunk)
			}
			if _, err := s.file.ReadAt(r.buffer, int64(r.next)*chunk); err != nil {
				return 0, err
			}
			s.crypt(r.next, r.buffer)
			r.rest = r.buffer
		case r.next == s.chunks:
			r.rest = s.tail
		default:
			return 0, io.EOF
		}
		r.next++
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}
