package braze

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/adasdk/ada-go/ada"
)

// BufferConfig says when a [Buffer] sends, how much it holds, and who is told. The zero value is the recommended one
// but for Done: without it nobody learns what Braze rejects.
type BufferConfig struct {
	// It sends when so many objects wait, or so many bytes of them, or when one has waited so long.
	FlushObjects int           // 0: [Config.MaxObjects]
	FlushBytes   int           // 0: 1,000,000
	FlushAfter   time.Duration // 0: 1 s

	// It holds so many objects, and so many bytes of them, those that are being sent included. When it is full, Add
	// waits.
	QueueObjects int // 0: 10,000
	QueueBytes   int // 0: 64 MiB

	// Done is told once of every object that was accepted, when its status is final: it is [Processed], [Rejected] or
	// [Unknown], or [Unsent] where Braze says that it is too large. The objects are in b.Objects and their statuses in
	// r.Objects; err is as of [Client.Track], and of other objects perhaps as well. It is called by one goroutine, which
	// sends nothing before it returns, and must not call Close.
	Done func(b Batch, r Result, err error)
	// Stalled is told when Braze could not be reached or refused the key or the rate, so that objects are kept and sent
	// again after the wait. It is called by the goroutine of Done.
	Stalled func(err error, wait time.Duration)

	// SpoolFile is the path of a file in which the objects are until their status is final, so that they outlive a
	// crash: the next buffer with that file sends them. They stand in it as they are, personal data included. One
	// process at a time can have it open. Empty: there is none.
	SpoolFile string
}

// ErrClosed is what [Buffer.Add] fails with after [Buffer.Close].
var ErrClosed = errors.New("braze: the buffer is closed")

// Buffer collects objects and sends them together, in the background. It is for services that learn one thing at a time.
// Objects of one user are sent in the order in which they were added, of which Braze keeps to that within an array: in one
// request it works on attributes first. It is safe for concurrent use.
//
// What it has accepted it loses in no case but one: without a spool, when the process ends before Close. Objects that
// were not sent are sent again, with growing waits of up to a minute and for as long as it takes, while Add waits for
// room. So are attributes that only set whose outcome is unknown, and with [Config.AllowDuplicates] all others.
//
// With a spool, objects that were being sent when the process ended are Unknown, too: those that can be sent again are,
// and the others are told to Done.
type Buffer struct {
	client *Client
	config BufferConfig
	spool  *spool
	turn   chan struct{} // whoever adds has it
	wake   chan struct{} // something may be due
	closed chan struct{} // closed by Close
	ended  chan struct{} // closed when the goroutine has ended
	ctx    context.Context
	cancel context.CancelFunc

	adding sync.WaitGroup // who has reserved room and not yet used it; none begins once closing is set

	spooling sync.Mutex // of spool; taken before mu
	mu       sync.Mutex
	queue    []kept
	sending  []kept
	since    time.Time // when the first of the queue was added
	objects  int       // held, those being sent included
	bytes    int
	room     chan struct{} // closed and replaced when there is more
	flush    bool          // all that waits is due
	closing  bool
	err      error // what keeps objects from being sent; nil: nothing
}

// NewBuffer returns a buffer that sends through c. Close it after use. The error names every fault of the configuration,
// and matches [ada.ErrInvalid], or [ErrSpool] where the spool cannot be opened or read.
func (c *Client) NewBuffer(config BufferConfig) (*Buffer, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	b := &Buffer{
		client: c,
		config: config.withDefaults(c.config),
		turn:   make(chan struct{}, 1),
		wake:   make(chan struct{}, 1),
		closed: make(chan struct{}),
		ended:  make(chan struct{}),
		room:   make(chan struct{}),
	}
	if config.SpoolFile != "" {
		var err error
		if b.spool, b.queue, err = openSpool(config.SpoolFile); err != nil {
			return nil, err
		}
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.since = time.Now()
	for _, k := range b.queue {
		b.objects++
		b.bytes += len(k.json)
	}
	go b.run()
	return b, nil
}

func (c BufferConfig) check() error {
	var faults []ada.Fault
	for _, f := range []struct {
		field string
		n     int64
	}{
		{"FlushObjects", int64(c.FlushObjects)},
		{"FlushBytes", int64(c.FlushBytes)},
		{"FlushAfter", int64(c.FlushAfter)},
		{"QueueObjects", int64(c.QueueObjects)},
		{"QueueBytes", int64(c.QueueBytes)},
	} {
		if f.n < 0 {
			faults = append(faults, ada.Fault{Field: f.field, Reason: "is negative"})
		}
	}
	return ada.Operation{Name: "braze.NewBuffer"}.Invalid(faults...)
}

func (c BufferConfig) withDefaults(client Config) BufferConfig {
	if c.FlushObjects == 0 {
		c.FlushObjects = client.MaxObjects
	}
	if c.FlushBytes == 0 {
		c.FlushBytes = 1_000_000
	}
	if c.FlushAfter == 0 {
		c.FlushAfter = time.Second
	}
	if c.QueueObjects == 0 {
		c.QueueObjects = 10_000
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 64 << 20
	}
	return c
}

var opAdd = ada.Operation{Name: "braze.Buffer.Add"}

// Add accepts the objects of a batch, all or none of them, and waits while there is no room for them, or until ctx ends.
// Objects are checked as [Client.Track] does. With a spool they outlive a crash of the machine when Add returns nil. The
// error matches [ada.ErrInvalid] for objects with faults and for a batch that is larger than the queue, [ErrClosed],
// [ErrSpool], or what ended ctx; none of the objects are then sent.
func (b *Buffer) Add(ctx context.Context, batch Batch) error {
	objects, err := b.client.objects(batch)
	if err != nil || len(objects) == 0 {
		return err
	}
	size := 0
	for _, o := range objects {
		size += len(o.json)
	}
	if len(objects) > b.config.QueueObjects || size > b.config.QueueBytes {
		return opAdd.Invalid(ada.Fault{Field: "the batch", Reason: fmt.Sprintf("has %d objects and %d bytes, more than the queue holds", len(objects), size)})
	}
	if err := b.reserve(ctx, len(objects), size); err != nil {
		return err
	}
	defer b.adding.Done()
	b.spooling.Lock()
	err = b.spool.accept(objects)
	b.spooling.Unlock()
	if err == nil {
		if err = b.spool.sync(); err != nil { // written down all the same: no later buffer must send them
			err = errors.Join(err, b.mark("done", numbersOf(objects), false))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.release(len(objects), size)
		return err
	}
	if len(b.queue) == 0 {
		b.since = time.Now()
	}
	b.queue = append(b.queue, objects...)
	b.wakeUp()
	return nil
}

// objects returns the objects of a batch in their encoded form.
func (c *Client) objects(batch Batch) ([]kept, error) {
	s := &sending{client: c, batch: batch}
	if err := s.plan(opAdd); err != nil {
		return nil, err
	}
	e := c.encoder()
	defer encoders.Put(e)
	objects := make([]kept, len(s.items))
	for i, o := range s.order {
		e.out, e.once = e.out[:0], false
		user := s.encode(e, o)
		objects[i].Object = Object{array: s.items[o].array, once: e.once, user: user, json: append([]byte(nil), e.out...)}
	}
	return objects, nil
}

// reserve waits for room, first come first served, and counts the caller as adding.
func (b *Buffer) reserve(ctx context.Context, objects, size int) error {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return fmt.Errorf("braze.Buffer.Add: %w", ctx.Err())
	}
	for {
		b.mu.Lock()
		if b.closing {
			b.mu.Unlock()
			return ErrClosed
		}
		if b.objects+objects <= b.config.QueueObjects && b.bytes+size <= b.config.QueueBytes {
			b.objects += objects
			b.bytes += size
			b.adding.Add(1)
			b.mu.Unlock()
			return nil
		}
		room := b.room
		b.flush = true // there is no room for more to wait for
		b.wakeUp()
		b.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return fmt.Errorf("braze.Buffer.Add: %w", ctx.Err())
		}
	}
}

// release gives room back. The caller holds mu.
func (b *Buffer) release(objects, size int) {
	b.objects -= objects
	b.bytes -= size
	close(b.room)
	b.room = make(chan struct{})
	b.wakeUp()
}

func (b *Buffer) wakeUp() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Len returns how many objects the buffer holds, those that are being sent included.
func (b *Buffer) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.objects
}

// Held returns the objects that the buffer holds and whose status Done has not been told, those that are being sent
// included. After [Client.NewBuffer] with a spool they are what the process before has left.
func (b *Buffer) Held() []Object {
	b.mu.Lock()
	defer b.mu.Unlock()
	var held []Object
	for _, k := range slices.Concat(b.sending, b.queue) {
		held = append(held, k.Object)
	}
	return held
}

// Flush has all that waits sent now, and returns when nothing is left of what the buffer holds, or when ctx ends. The
// error is what ended ctx, with what keeps objects from being sent, if something does.
func (b *Buffer) Flush(ctx context.Context) error {
	for {
		b.mu.Lock()
		left, room, err := b.objects, b.room, b.err
		b.flush = true
		b.wakeUp()
		b.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-room:
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("braze.Buffer.Flush: %w", ctx.Err()), err)
		}
	}
}

// Close ends the buffer. It sends all that the buffer holds, and waits for that until ctx ends. What was not sent by
// then it hands back, in the Objects of the batch, with an error: they have had no word with Done. With a spool the rest
// stays there, for the next buffer, and the batch is empty. After Close nothing is sent, and Done is not called.
func (b *Buffer) Close(ctx context.Context) (rest Batch, err error) {
	b.mu.Lock()
	if !b.closing {
		b.closing = true
		close(b.closed)
	}
	b.release(0, 0) // those who wait for room are told
	b.mu.Unlock()
	select {
	case <-b.ended:
	case <-ctx.Done():
		b.cancel()
		<-b.ended
	}
	b.cancel()
	b.adding.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := len(b.queue); n > 0 {
		err = errors.Join(fmt.Errorf("braze.Buffer.Close: %d objects were not sent: %w", n, ctx.Err()), b.err)
		for _, k := range b.queue {
			if b.spool == nil {
				rest.Objects = append(rest.Objects, k.Object)
			}
		}
		b.queue, b.objects, b.bytes = nil, 0, 0
	}
	closed := b.spool.close()
	b.spool = nil
	return rest, errors.Join(err, closed)
}

// run sends what is due, until the buffer is closed.
func (b *Buffer) run() {
	defer close(b.ended)
	b.tellLost()
	var pause time.Duration
	for {
		due, ok := b.due(pause)
		if !ok {
			return
		}
		if !due {
			continue
		}
		pause = b.send(pause)
	}
}

// due waits until there is something to send, and not before the pause is over. ok is false when the buffer is closed
// and has nothing to send, or no time.
func (b *Buffer) due(pause time.Duration) (due, ok bool) {
	if pause > 0 {
		b.rest(pause)
	}
	b.mu.Lock()
	size := 0
	for _, k := range b.queue {
		size += len(k.json)
	}
	waiting, age := len(b.queue), time.Since(b.since)
	due = waiting > 0 && (pause > 0 || b.flush || b.closing || waiting >= b.config.FlushObjects || size >= b.config.FlushBytes || age >= b.config.FlushAfter)
	if waiting == 0 {
		b.flush = false
	}
	// Who reserved room before Close is yet to come.
	ended := b.ctx.Err() != nil || b.closing && waiting == 0 && b.objects == 0
	b.mu.Unlock()
	if ended {
		return false, false
	}
	if due {
		return true, true
	}
	var timer *time.Timer
	var late <-chan time.Time
	if waiting > 0 {
		timer = time.NewTimer(b.config.FlushAfter - age)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-b.wake:
	case <-late:
	case <-b.ctx.Done():
	}
	return false, true
}

// rest waits until the pause is over, or until Close, if it has not begun yet.
func (b *Buffer) rest(pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	closed := b.closed
	if b.isClosing() {
		closed = nil // it has cut one pause short
	}
	select {
	case <-timer.C:
	case <-closed:
	case <-b.ctx.Done():
	}
}

func (b *Buffer) isClosing() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closing
}

const (
	firstPause = time.Second
	lastPause  = time.Minute
)

// send sends all that waits, and returns how long to pause before the next sending.
func (b *Buffer) send(pause time.Duration) time.Duration {
	b.mu.Lock()
	objects := b.queue
	b.queue, b.sending, b.flush = nil, objects, false
	b.mu.Unlock()

	s := &sending{client: b.client}
	for _, k := range objects {
		s.batch.Objects = append(s.batch.Objects, k.Object)
	}
	s.result = newResult(s.batch)
	s.before = func(sent []int32) error {
		numbers := make([]uint64, len(sent))
		for i, o := range sent {
			numbers[i] = objects[o].number
		}
		return b.mark("sending", numbers, true)
	}
	err := s.plan(b.client.track)
	if err == nil {
		s.send(b.ctx)
		err = s.err()
	} else { // it was checked before, but perhaps with another MaxBytes
		s.tooLarge = map[int32]bool{}
		for i, it := range s.items {
			s.tooLarge[int32(i)] = !s.fits(load{}.plus(it))
		}
	}
	return b.settle(s, objects, err, pause)
}

func (b *Buffer) mark(what string, numbers []uint64, sync bool) error {
	b.spooling.Lock()
	err := b.spool.mark(what, numbers)
	b.spooling.Unlock()
	if err == nil && sync {
		err = b.spool.sync()
	}
	return err
}

// compact is called when nothing is being sent.
func (b *Buffer) compact() error {
	b.spooling.Lock()
	defer b.spooling.Unlock()
	return b.spool.compact()
}

// settle keeps what is to be sent again, and tells of the rest.
func (b *Buffer) settle(s *sending, objects []kept, err error, pause time.Duration) time.Duration {
	var again []kept
	var done Batch
	told := Result{Requests: s.result.Requests, DataPointsSaved: s.result.DataPointsSaved}
	var doneNumbers, againNumbers []uint64
	rejections := map[int]Rejection{}
	for _, r := range s.result.Rejections {
		rejections[r.Index] = r
	}
	size := 0
	for i, k := range objects {
		status := s.result.Objects[i]
		repeatable := !k.once || b.client.config.AllowDuplicates
		if status == Unsent && !s.tooLarge[int32(i)] || status == Unknown && repeatable {
			again, againNumbers = append(again, k), append(againNumbers, k.number)
			continue
		}
		if r, ok := rejections[i]; ok {
			r.Index = len(done.Objects)
			told.Rejections = append(told.Rejections, r)
		}
		done.Objects, told.Objects = append(done.Objects, k.Object), append(told.Objects, status)
		doneNumbers = append(doneNumbers, k.number)
		size += len(k.json)
	}
	spooling := b.mark("returned", againNumbers, false)
	// Who is told may act on it before the spool knows: after a crash they are told again rather than never.
	if b.config.Done != nil && len(done.Objects) > 0 {
		b.config.Done(done, told, err)
	}
	spooling = errors.Join(spooling, b.mark("done", doneNumbers, false), b.compact())

	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue, b.sending = append(again, b.queue...), nil
	b.since = time.Now()
	b.err = spooling
	b.release(len(done.Objects), size)
	if len(again) == 0 {
		return 0
	}
	err = errors.Join(err, spooling)
	b.err = err
	wait := min(max(2*pause, firstPause), lastPause)
	if s.result.Count(Processed) > 0 {
		wait = firstPause
	}
	for _, failure := range s.failures {
		var failed *ada.Error
		if errors.As(failure, &failed) {
			wait = max(wait, min(failed.RetryAfter, time.Hour)) // the longest window of Braze's
		}
	}
	if b.config.Stalled != nil && b.ctx.Err() == nil {
		b.mu.Unlock() // it may look at the buffer
		b.config.Stalled(err, wait)
		b.mu.Lock()
	}
	return wait
}

// tellLost tells of the objects of a spool that were being sent when the process ended and cannot be sent again.
func (b *Buffer) tellLost() {
	b.mu.Lock()
	var lost Batch
	var told Result
	var numbers []uint64
	size := 0
	var rest, unknown []kept
	for _, k := range b.queue {
		if !k.sending || !k.once || b.client.config.AllowDuplicates {
			rest = append(rest, k)
			continue
		}
		unknown = append(unknown, k)
		lost.Objects, told.Objects, numbers = append(lost.Objects, k.Object), append(told.Objects, Unknown), append(numbers, k.number)
		size += len(k.json)
	}
	b.queue, b.sending = rest, unknown
	b.mu.Unlock()
	if len(numbers) == 0 {
		return
	}
	if b.config.Done != nil {
		b.config.Done(lost, told, fmt.Errorf("braze.Buffer: the process ended while they were sent: %w", ada.ErrOutcomeUnknown))
	}
	err := b.mark("done", numbers, false)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err, b.sending = err, nil
	b.release(len(numbers), size)
}

// String returns the name of the type.
func (b *Buffer) String() string { return "braze.Buffer" }

// Format writes the same as String for every verb.
func (b *Buffer) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, b.String()) }
