/*
 * include/kernel/ferry.h
 *
 * Ferry: small messages ("parcels") carried between the processors of one
 * machine. Every processor owns a quay. A parcel is put on the quay of its
 * destination and stays there until the owner collects it, or until its
 * deadline has passed.
 *
 * Locking order:
 *
 *	ferry_table_lock
 *	  quay->lock
 *	    route->lock
 *
 * No lock is held while a handler runs.
 */

#ifndef _KERNEL_FERRY_H
#define _KERNEL_FERRY_H

#include <kernel/types.h>
#include <kernel/list.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

#define FERRY_MAX_QUAYS		64
#define FERRY_MAX_PAYLOAD	4032
#define FERRY_HASH_BITS		6
#define FERRY_HASH_SIZE		(1U << FERRY_HASH_BITS)
#define FERRY_MAGIC		0x46455259UL

/* Flags of a parcel. */
#define FERRY_F_URGENT		0x0001	/* goes to the head of the queue */
#define FERRY_F_RECEIPT		0x0002	/* the sender wants an answer */
#define FERRY_F_BORROWED	0x0004	/* the payload belongs to the sender */
#define FERRY_F_RETURNED	0x0008	/* an answer to its sender */
#define FERRY_F_ALL		(FERRY_F_URGENT | FERRY_F_RECEIPT | \
				 FERRY_F_BORROWED | FERRY_F_RETURNED)

#define ferry_for_each_quay(q, i)					\
	for ((i) = 0; (i) < FERRY_MAX_QUAYS; (i)++)			\
		if (((q) = ferry_quays[i]) != NULL)

#define quay_err(q, fmt, ...)						\
	printk(KERN_ERR "ferry: quay %u: " fmt, (q)->number, ##__VA_ARGS__)

enum quay_state {
	QUAY_CLOSED,
	QUAY_OPEN,
	QUAY_DRAINING,
	QUAY_BROKEN,
};

struct parcel {
	struct list_head	link;
	unsigned long		magic;
	u16			from;
	u16			to;
	u16			flags;
	u16			hops;
	u32			length;
	u32			sum;
	u64			deadline;	/* in ticks, 0 means never */
	void			*payload;
};

struct quay_stats {
	u64	received;
	u64	collected;
	u64	refused;
	u64	expired;
	u64	bytes;
};

struct quay {
	spinlock_t		lock;
	unsigned int		number;
	enum quay_state		state;
	unsigned int		waiting;
	unsigned int		limit;
	struct list_head	queue;
	struct wait_queue	sleepers;
	struct quay_stats	stats;
	atomic_t		users;
};

struct ferry_route {
	struct ferry_route	*next;
	spinlock_t		lock;
	u16			to;
	u16			via;
	unsigned int		cost;
	unsigned long		used;
};

extern struct quay *ferry_quays[FERRY_MAX_QUAYS];
extern spinlock_t ferry_table_lock;

struct parcel *parcel_alloc(u32 length, unsigned int flags);
void parcel_free(struct parcel *p);
int parcel_check(const struct parcel *p);
u32 parcel_sum(const struct parcel *p);
void parcel_seal(struct parcel *p);

struct quay *quay_get(unsigned int number);
void quay_put(struct quay *q);
int quay_open(unsigned int number, unsigned int limit);
int quay_close(unsigned int number);
int quay_deliver(struct quay *q, struct parcel *p);
struct parcel *quay_collect(struct quay *q, long timeout);
unsigned int quay_expire(struct quay *q, u64 now);

int route_add(u16 to, u16 via, unsigned int cost);
int route_find(u16 to, u16 *via);
void route_flush(void);

#endif /* _KERNEL_FERRY_H */

/*
 * kernel/ferry/parcel.c
 *
 * Life and death of a parcel. The header and a short payload come from one
 * allocation; a long payload has its own, so that a page is never wasted
 * on forty bytes of header.
 */

#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/slab.h>
#include <kernel/string.h>

#define PARCEL_INLINE	192

static struct kmem_cache *parcel_cache;

static inline void *parcel_tail(struct parcel *p)
{
	return (char *)p + sizeof(*p);
}

static inline bool parcel_is_inline(const struct parcel *p)
{
	return p->payload == (const char *)p + sizeof(*p);
}

struct parcel *parcel_alloc(u32 length, unsigned int flags)
{
	struct parcel *p;

	if (length > FERRY_MAX_PAYLOAD)
		return NULL;
	if (flags & ~FERRY_F_ALL)
		return NULL;

	p = kmem_cache_alloc(parcel_cache);
	if (!p)
		return NULL;

	memset(p, 0, sizeof(*p));
	INIT_LIST_HEAD(&p->link);
	p->magic = FERRY_MAGIC;
	p->flags = flags;
	p->length = length;

	if (flags & FERRY_F_BORROWED)
		return p;	/* the caller fills in the payload */

	if (length <= PARCEL_INLINE) {
		p->payload = parcel_tail(p);
	} else {
		p->payload = kmalloc(length);
		if (!p->payload)
			goto out_free;
	}
	return p;

out_free:
	kmem_cache_free(parcel_cache, p);
	return NULL;
}

void parcel_free(struct parcel *p)
{
	if (!p)
		return;

	BUG_ON(p->magic != FERRY_MAGIC);
	BUG_ON(!list_empty(&p->link));

	/* A borrowed payload is given back by its owner, not by us. */
	if (!(p->flags & FERRY_F_BORROWED) && !parcel_is_inline(p))
		kfree(p->payload);

	p->magic = 0;
	kmem_cache_free(parcel_cache, p);
}

/*
 * A sum of bytes, each weighted by its place. It finds swapped bytes, which
 * a plain sum would miss. Both halves are kept below 65521, the largest
 * prime that fits in sixteen bits.
 */
u32 parcel_sum(const struct parcel *p)
{
	const u8 *byte = p->payload;
	u32 low = 1, high = 0;
	u32 i;

	for (i = 0; i < p->length; i++) {
		low += byte[i];
		if (low >= 65521)
			low -= 65521;
		high += low;
		if (high >= 65521)
			high -= 65521;
	}
	return (high << 16) | low;
}

void parcel_seal(struct parcel *p)
{
	p->sum = parcel_sum(p);
}

int parcel_check(const struct parcel *p)
{
	if (p->magic != FERRY_MAGIC)
		return -EINVAL;
	if (p->length > FERRY_MAX_PAYLOAD)
		return -EMSGSIZE;
	if (p->length && !p->payload)
		return -EFAULT;
	if (p->from >= FERRY_MAX_QUAYS || p->to >= FERRY_MAX_QUAYS)
		return -ENODEV;
	if (p->sum != parcel_sum(p)) {
		printk(KERN_WARNING "ferry: parcel %u -> %u: sum %08x, "
		       "expected %08x\n", p->from, p->to,
		       parcel_sum(p), p->sum);
		return -EIO;
	}
	return 0;
}

static int __init parcel_init(void)
{
	parcel_cache = kmem_cache_create("parcel",
					 sizeof(struct parcel) + PARCEL_INLINE);
	if (!parcel_cache)
		return -ENOMEM;
	return 0;
}

static void parcel_exit(void)
{
	kmem_cache_destroy(parcel_cache);
	parcel_cache = NULL;
}

/*
 * kernel/ferry/quay.c
 *
 * The queues. A quay is found by its number, with a reference taken under
 * ferry_table_lock; it is freed when the last reference is dropped.
 */

#include <kernel/clock.h>
#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/sched.h>
#include <kernel/slab.h>

#define QUAY_DEFAULT_LIMIT	256
#define QUAY_HARD_LIMIT		8192

struct quay *ferry_quays[FERRY_MAX_QUAYS];
DEFINE_SPINLOCK(ferry_table_lock);

struct quay *quay_get(unsigned int number)
{
	struct quay *q = NULL;
	unsigned long irq;

	if (number >= FERRY_MAX_QUAYS)
		return NULL;

	spin_lock_irqsave(&ferry_table_lock, irq);
	if (ferry_quays[number]) {
		q = ferry_quays[number];
		atomic_inc(&q->users);
	}
	spin_unlock_irqrestore(&ferry_table_lock, irq);
	return q;
}

void quay_put(struct quay *q)
{
	if (!atomic_dec_and_test(&q->users))
		return;

	/* Nobody can find it any more, so the lock is not needed. */
	BUG_ON(q->state == QUAY_OPEN);
	BUG_ON(!list_empty(&q->queue));
	kfree(q);
}

int quay_open(unsigned int number, unsigned int limit)
{
	struct quay *q;
	unsigned long irq;
	int err = 0;

	if (number >= FERRY_MAX_QUAYS)
		return -EINVAL;
	if (limit == 0)
		limit = QUAY_DEFAULT_LIMIT;
	if (limit > QUAY_HARD_LIMIT)
		return -E2BIG;

	q = kzalloc(sizeof(*q));
	if (!q)
		return -ENOMEM;

	spin_lock_init(&q->lock);
	INIT_LIST_HEAD(&q->queue);
	wait_queue_init(&q->sleepers);
	atomic_set(&q->users, 1);
	q->number = number;
	q->limit = limit;
	q->state = QUAY_OPEN;

	spin_lock_irqsave(&ferry_table_lock, irq);
	if (ferry_quays[number])
		err = -EBUSY;
	else
		ferry_quays[number] = q;
	spin_unlock_irqrestore(&ferry_table_lock, irq);

	if (err)
		kfree(q);
	return err;
}

/* Called with q->lock held. Every parcel moves to the list "gone". */
static void __quay_empty(struct quay *q, struct list_head *gone)
{
	struct parcel *p, *next;

	list_for_each_entry_safe(p, next, &q->queue, link) {
		list_move_tail(&p->link, gone);
		q->waiting--;
	}
	WARN_ON(q->waiting != 0);
}

int quay_close(unsigned int number)
{
	struct parcel *p, *next;
	struct list_head gone;
	struct quay *q;
	unsigned long irq;

	if (number >= FERRY_MAX_QUAYS)
		return -EINVAL;
	INIT_LIST_HEAD(&gone);

	spin_lock_irqsave(&ferry_table_lock, irq);
	q = ferry_quays[number];
	if (!q) {
		spin_unlock_irqrestore(&ferry_table_lock, irq);
		return -ENOENT;
	}
	ferry_quays[number] = NULL;

	spin_lock(&q->lock);
	q->state = QUAY_CLOSED;
	__quay_empty(q, &gone);
	spin_unlock(&q->lock);
	spin_unlock_irqrestore(&ferry_table_lock, irq);

	/* Whoever sleeps here will wake, see the state and go away. */
	wake_up_all(&q->sleepers);

	list_for_each_entry_safe(p, next, &gone, link) {
		list_del_init(&p->link);
		parcel_free(p);
	}
	quay_put(q);
	return 0;
}

/*
 * Put a parcel on a quay. On success the quay owns the parcel; on failure
 * it still belongs to the caller, who may try again or free it.
 */
int quay_deliver(struct quay *q, struct parcel *p)
{
	unsigned long irq;
	int err;

	err = parcel_check(p);
	if (err)
		return err;

	spin_lock_irqsave(&q->lock, irq);

	switch (q->state) {
	case QUAY_OPEN:
		break;
	case QUAY_DRAINING:
		/* Answers are still let in, new work is not. */
		if (p->flags & FERRY_F_RETURNED)
			break;
		err = -EAGAIN;
		goto refuse;
	case QUAY_CLOSED:
		err = -ESHUTDOWN;
		goto refuse;
	case QUAY_BROKEN:
	default:
		err = -EIO;
		goto refuse;
	}

	if (q->waiting >= q->limit) {
		if (!(p->flags & FERRY_F_URGENT) || q->waiting >= 2 * q->limit) {
			err = -ENOSPC;
			goto refuse;
		}
	}

	if (p->flags & FERRY_F_URGENT)
		list_add(&p->link, &q->queue);
	else
		list_add_tail(&p->link, &q->queue);

	q->waiting++;
	q->stats.received++;
	q->stats.bytes += p->length;
	spin_unlock_irqrestore(&q->lock, irq);

	wake_up_one(&q->sleepers);
	return 0;

refuse:
	q->stats.refused++;
	spin_unlock_irqrestore(&q->lock, irq);
	return err;
}

/*
 * Take the first parcel from a quay, and sleep up to "timeout" ticks if
 * there is none. A negative timeout sleeps for ever. NULL is returned when
 * the time is over or when the quay was closed meanwhile.
 */
struct parcel *quay_collect(struct quay *q, long timeout)
{
	struct parcel *p = NULL;
	unsigned long irq;

	for (;;) {
		spin_lock_irqsave(&q->lock, irq);
		if (!list_empty(&q->queue)) {
			p = list_first_entry(&q->queue, struct parcel, link);
			list_del_init(&p->link);
			q->waiting--;
			q->stats.collected++;
		}
		if (p || q->state != QUAY_OPEN || timeout == 0) {
			spin_unlock_irqrestore(&q->lock, irq);
			return p;
		}
		spin_unlock_irqrestore(&q->lock, irq);

		timeout = wait_event_ticks(&q->sleepers,
					   !list_empty(&q->queue) ||
					   q->state != QUAY_OPEN, timeout);
	}
}

unsigned int quay_expire(struct quay *q, u64 now)
{
	struct parcel *p, *next;
	struct list_head late;
	unsigned long irq;
	unsigned int count = 0;

	INIT_LIST_HEAD(&late);

	spin_lock_irqsave(&q->lock, irq);
	list_for_each_entry_safe(p, next, &q->queue, link) {
		if (p->deadline == 0 || p->deadline > now)
			continue;
		list_move_tail(&p->link, &late);
		q->waiting--;
		q->stats.expired++;
		count++;
	}
	spin_unlock_irqrestore(&q->lock, irq);

	list_for_each_entry_safe(p, next, &late, link) {
		list_del_init(&p->link);
		parcel_free(p);
	}
	return count;
}

/*
 * kernel/ferry/route.c
 *
 * On large machines not every processor can reach every other one. The
 * table says which quay is the next step; it is a small hash table with
 * chains, and a route is only replaced by one that costs less.
 */

#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/slab.h>

#define ROUTE_MAX_COST	1000

static struct ferry_route *route_hash[FERRY_HASH_SIZE];
static DEFINE_SPINLOCK(route_hash_lock);
static unsigned int route_count;

static inline unsigned int route_bucket(u16 to)
{
	return ((u32)to * 40503U >> 4) & (FERRY_HASH_SIZE - 1);
}

static struct ferry_route *__route_lookup(u16 to)
{
	struct ferry_route *r;

	for (r = route_hash[route_bucket(to)]; r != NULL; r = r->next) {
		if (r->to == to)
			return r;
	}
	return NULL;
}

int route_add(u16 to, u16 via, unsigned int cost)
{
	struct ferry_route *r, *fresh;
	unsigned int bucket = route_bucket(to);
	int err = 0;

	if (to >= FERRY_MAX_QUAYS || via >= FERRY_MAX_QUAYS)
		return -EINVAL;
	if (cost == 0 || cost > ROUTE_MAX_COST)
		return -ERANGE;

	/* Allocate first: we cannot sleep with the lock held. */
	fresh = kzalloc(sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;

	spin_lock(&route_hash_lock);
	r = __route_lookup(to);
	if (r) {
		if (cost < r->cost) {
			spin_lock(&r->lock);
			r->via = via;
			r->cost = cost;
			spin_unlock(&r->lock);
		} else {
			err = -EEXIST;
		}
		goto out;
	}

	spin_lock_init(&fresh->lock);
	fresh->to = to;
	fresh->via = via;
	fresh->cost = cost;
	fresh->next = route_hash[bucket];
	route_hash[bucket] = fresh;
	route_count++;
	fresh = NULL;
out:
	spin_unlock(&route_hash_lock);
	kfree(fresh);
	return err;
}

int route_find(u16 to, u16 *via)
{
	struct ferry_route *r;
	int err = -ENETUNREACH;

	spin_lock(&route_hash_lock);
	r = __route_lookup(to);
	if (r) {
		spin_lock(&r->lock);
		*via = r->via;
		r->used++;
		spin_unlock(&r->lock);
		err = 0;
	}
	spin_unlock(&route_hash_lock);
	return err;
}

void route_flush(void)
{
	struct ferry_route *r, *next;
	unsigned int i;

	spin_lock(&route_hash_lock);
	for (i = 0; i < FERRY_HASH_SIZE; i++) {
		for (r = route_hash[i]; r; r = next) {
			next = r->next;
			kfree(r);
		}
		route_hash[i] = NULL;
	}
	route_count = 0;
	spin_unlock(&route_hash_lock);
}

/*
 * kernel/ferry/send.c
 *
 * The way of a parcel from its sender to a quay.
 */

#include <kernel/clock.h>
#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/string.h>
#include <kernel/uaccess.h>

#define FERRY_MAX_HOPS		8
#define FERRY_PATIENCE		(2 * TICKS_PER_SECOND)

static int ferry_step(struct parcel *p)
{
	struct quay *q;
	u16 via;
	int err;

	if (p->hops >= FERRY_MAX_HOPS)
		return -ELOOP;

	err = route_find(p->to, &via);
	if (err)
		via = p->to;	/* no route: try the direct way */

	q = quay_get(via);
	if (!q)
		return -ENODEV;

	p->hops++;
	err = quay_deliver(q, p);
	quay_put(q);
	return err;
}

/*
 * Copy "length" bytes from a user's buffer and send them. Returns the
 * number of bytes sent or a negative error.
 */
long ferry_send(u16 from, u16 to, const void __user *buffer, size_t length,
		unsigned int flags)
{
	struct parcel *p;
	int err, tries;

	if (!buffer && length)
		return -EFAULT;
	if (length > FERRY_MAX_PAYLOAD)
		return -EMSGSIZE;
	if (flags & (FERRY_F_BORROWED | FERRY_F_RETURNED))
		return -EPERM;	/* these two are for the kernel only */

	p = parcel_alloc(length, flags);
	if (!p)
		return -ENOMEM;

	if (copy_from_user(p->payload, buffer, length)) {
		err = -EFAULT;
		goto out_free;
	}

	p->from = from;
	p->to = to;
	p->deadline = clock_ticks() + FERRY_PATIENCE;
	parcel_seal(p);

	for (tries = 0; tries < 3; tries++) {
		err = ferry_step(p);
		if (err == 0)
			return (long)length;
		if (err != -EAGAIN && err != -ENOSPC)
			break;
		clock_sleep(1 << tries);
	}

out_free:
	parcel_free(p);
	return err;
}

/*
 * kernel/ferry/receipt.c
 *
 * Receipts. A sender that has set FERRY_F_RECEIPT is told what became of
 * its parcel: a short parcel comes back, marked FERRY_F_RETURNED, with the
 * error, or zero, as its payload.
 */

#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/string.h>

typedef int (*ferry_handler)(struct parcel *p, void *data);

static unsigned long receipts_lost;

static int ferry_receipt(const struct parcel *p, int result)
{
	struct parcel *answer;
	struct quay *home;
	int err;

	/* Never answer an answer, or two quays could talk for ever. */
	if (!(p->flags & FERRY_F_RECEIPT) || (p->flags & FERRY_F_RETURNED))
		return 0;

	answer = parcel_alloc(sizeof(result), FERRY_F_RETURNED);
	if (!answer) {
		err = -ENOMEM;
		goto lost;
	}
	memcpy(answer->payload, &result, sizeof(result));
	answer->from = p->to;
	answer->to = p->from;
	parcel_seal(answer);

	home = quay_get(p->from);
	if (!home) {
		err = -ENODEV;
		goto lost_free;
	}
	err = quay_deliver(home, answer);
	quay_put(home);
	if (err)
		goto lost_free;
	return 0;

lost_free:
	parcel_free(answer);
lost:
	receipts_lost++;
	if ((receipts_lost & (receipts_lost - 1)) == 0)
		printk(KERN_WARNING "ferry: %lu receipts lost, last error %d\n",
		       receipts_lost, err);
	return err;
}

/*
 * Serve up to "budget" parcels of a quay. The handler runs without locks
 * and must not keep the parcel. Returns the number of parcels served.
 */
int ferry_serve(unsigned int number, ferry_handler handler, void *data,
		int budget)
{
	struct quay *q;
	struct parcel *p;
	int served = 0;
	int result;

	q = quay_get(number);
	if (!q)
		return -ENOENT;

	do {
		p = quay_collect(q, 0);
		if (!p)
			break;

		result = parcel_check(p);
		if (result == 0) {
			result = handler(p, data);
		} else if (result == -EIO) {
			quay_err(q, "parcel from %u is damaged (%u bytes)\n",
				 p->from, p->length);
		}

		ferry_receipt(p, result);
		parcel_free(p);
		served++;
	} while (served < budget);

	quay_put(q);
	return served;
}

/*
 * kernel/ferry/control.c
 *
 * The control file, /proc/ferry. Reading it prints one line for each quay;
 * writing takes one command:
 *
 *	open N [LIMIT]		close N
 *	drain N			route TO VIA COST
 *	flush
 */

#include <kernel/ctype.h>
#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/proc.h>
#include <kernel/string.h>

#define CONTROL_MAX_LINE	80
#define CONTROL_MAX_ARGS	3

enum control_verb {
	VERB_OPEN,
	VERB_CLOSE,
	VERB_DRAIN,
	VERB_ROUTE,
	VERB_FLUSH,
};

static const struct {
	const char		*name;
	enum control_verb	verb;
	int			least;
	int			most;
} control_verbs[] = {
	{ "open",	VERB_OPEN,	1, 2 },
	{ "close",	VERB_CLOSE,	1, 1 },
	{ "drain",	VERB_DRAIN,	1, 1 },
	{ "route",	VERB_ROUTE,	3, 3 },
	{ "flush",	VERB_FLUSH,	0, 0 },
};

static const char *quay_state_name(enum quay_state state)
{
	switch (state) {
	case QUAY_CLOSED:
		return "closed";
	case QUAY_OPEN:
		return "open";
	case QUAY_DRAINING:
		return "draining";
	case QUAY_BROKEN:
		return "broken";
	}
	return "?";
}

static int control_show(struct proc_file *m)
{
	struct quay *q;
	unsigned long irq;
	int i;

	proc_printf(m, "quay  state     waiting  limit  received  expired\n");

	spin_lock_irqsave(&ferry_table_lock, irq);
	ferry_for_each_quay(q, i) {
		proc_printf(m, "%4u  %-8s  %7u  %5u  %8llu  %7llu\n",
			    q->number, quay_state_name(q->state),
			    q->waiting, q->limit,
			    q->stats.received, q->stats.expired);
	}
	spin_unlock_irqrestore(&ferry_table_lock, irq);
	return 0;
}

/* Read a decimal number; returns the first character after it, or NULL. */
static const char *control_number(const char *s, unsigned int *value)
{
	unsigned int n = 0;

	while (*s == ' ' || *s == '\t')
		s++;
	if (!isdigit(*s))
		return NULL;
	for (; isdigit(*s); s++) {
		if (n > 99999999)
			return NULL;	/* would not fit */
		n = 10 * n + (*s - '0');
	}
	*value = n;
	return s;
}

static int control_drain(unsigned int number)
{
	struct quay *q = quay_get(number);
	unsigned long irq;
	int err = 0;

	if (!q)
		return -ENOENT;

	spin_lock_irqsave(&q->lock, irq);
	if (q->state == QUAY_OPEN)
		q->state = QUAY_DRAINING;
	else if (q->state != QUAY_DRAINING)
		err = -EINVAL;
	spin_unlock_irqrestore(&q->lock, irq);

	if (err)
		quay_err(q, "cannot drain while %s\n",
			 quay_state_name(q->state));
	quay_put(q);
	return err;
}

static int control_run(enum control_verb verb, const unsigned int *arg)
{
	switch (verb) {
	case VERB_OPEN:
		return quay_open(arg[0], arg[1]);
	case VERB_CLOSE:
		return quay_close(arg[0]);
	case VERB_DRAIN:
		return control_drain(arg[0]);
	case VERB_ROUTE:
		if (arg[0] > 0xffff || arg[1] > 0xffff)
			return -EINVAL;
		return route_add(arg[0], arg[1], arg[2]);
	case VERB_FLUSH:
		route_flush();
		return 0;
	default:
		return -ENOSYS;
	}
}

static long control_write(struct proc_file *m, const char *line, size_t length)
{
	unsigned int arg[CONTROL_MAX_ARGS] = { 0, 0, 0 };
	const char *s;
	size_t i, len;
	int n, err;

	if (length >= CONTROL_MAX_LINE)
		return -E2BIG;

	for (i = 0; i < ARRAY_SIZE(control_verbs); i++) {
		len = strlen(control_verbs[i].name);
		if (strncmp(line, control_verbs[i].name, len) == 0 &&
		    !isalpha(line[len]))
			goto found;
	}
	return -EINVAL;

found:
	s = line + len;
	for (n = 0; n < control_verbs[i].most; n++) {
		const char *rest = control_number(s, &arg[n]);

		if (!rest)
			break;
		s = rest;
	}
	if (n < control_verbs[i].least)
		return -EINVAL;

	while (isspace(*s))
		s++;
	if (*s != '\0')
		return -EINVAL;	/* something is left on the line */

	err = control_run(control_verbs[i].verb, arg);
	return err ? err : (long)length;
}

static const struct proc_ops control_ops = {
	.show	= control_show,
	.write	= control_write,
};

/*
 * kernel/ferry/main.c
 *
 * Start and stop, and the thread that throws away what is too late.
 */

#include <kernel/clock.h>
#include <kernel/errno.h>
#include <kernel/ferry.h>
#include <kernel/init.h>
#include <kernel/thread.h>

static struct thread *ferry_sweeper;
static unsigned int ferry_sweep_ticks = TICKS_PER_SECOND / 4;

static int ferry_sweep(void *unused)
{
	unsigned int late, i;
	struct quay *q;

	while (!thread_should_stop()) {
		late = 0;
		for (i = 0; i < FERRY_MAX_QUAYS; i++) {
			q = quay_get(i);
			if (!q)
				continue;
			late += quay_expire(q, clock_ticks());
			quay_put(q);
		}
#ifdef CONFIG_FERRY_DEBUG
		if (late > 0)
			printk(KERN_DEBUG "ferry: %u parcels were late\n", late);
#endif
		clock_sleep(ferry_sweep_ticks);
	}
	return 0;
}

static int __init ferry_init(void)
{
	int err;

	err = parcel_init();
	if (err)
		goto fail;

	err = quay_open(0, 0);
	if (err)
		goto fail_cache;

	err = proc_register("ferry", &control_ops);
	if (err)
		goto fail_quay;

	ferry_sweeper = thread_run(ferry_sweep, NULL, "ferry-sweep");
	if (!ferry_sweeper) {
		err = -ENOMEM;
		goto fail_proc;
	}

	printk(KERN_INFO "ferry: %d quays, %d bytes in a parcel\n",
	       FERRY_MAX_QUAYS, FERRY_MAX_PAYLOAD);
	return 0;

fail_proc:
	proc_unregister("ferry");
fail_quay:
	quay_close(0);
fail_cache:
	parcel_exit();
fail:
	printk(KERN_ERR "ferry: not started, error %d\n", err);
	return err;
}

static void __exit ferry_exit(void)
{
	unsigned int i;

	thread_stop(ferry_sweeper);
	proc_unregister("ferry");
	for (i = 0; i < FERRY_MAX_QUAYS; i++)
		quay_close(i);
	route_flush();
	parcel_exit();
}

module_init(ferry_init);
module_exit(ferry_exit);
MODULE_DESCRIPTION("Parcels between processors");
