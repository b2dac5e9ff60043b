package dns

import (
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// known is what is known of a name. It is immutable once it is stored.
type known struct {
	name      string
	addresses []netip.Addr
	err       error // why there are no addresses
	until     time.Time
}

// names is the cache of a resolver. It is safe for concurrent use.
type names struct {
	most int

	mu     sync.Mutex
	kept   map[string]*list.Element // of *known
	recent *list.List               // most recently used first
}

func newNames(most int) *names {
	return &names{most: most, kept: make(map[string]*list.Element), recent: list.New()}
}

func (n *names) recall(name string, now time.Time) (*known, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.kept[name]
	if e == nil {
		return nil, false
	}
	k := e.Value.(*known)
	if !now.Before(k.until) {
		n.drop(e)
		return nil, false
	}
	n.recent.MoveToFront(e)
	return k, true
}

func (n *names) keep(k *known) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.kept[k.name]; e != nil {
		e.Value = k
		n.recent.MoveToFront(e)
		return
	}
	n.kept[k.name] = n.recent.PushFront(k)
	if len(n.kept) > n.most {
		n.drop(n.recent.Back())
	}
}

// prefer moves an address that answered to the front of a name's addresses.
func (n *names) prefer(name string, a netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.kept[name]
	if e == nil {
		return
	}
	k := *e.Value.(*known)
	i := slices.Index(k.addresses, a)
	if i <= 0 {
		return
	}
	k.addresses = slices.Concat([]netip.Addr{a}, k.addresses[:i], k.addresses[i+1:])
	e.Value = &k
}

// forget makes the next lookup resolve the name again.
func (n *names) forget(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.kept[name]; e != nil {
		n.drop(e)
	}
}

func (n *names) drop(e *list.Element) {
	delete(n.kept, e.Value.(*known).name)
	n.recent.Remove(e)
}
