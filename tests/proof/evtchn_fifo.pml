/* SPDX-License-Identifier: Apache-2.0 */
/* A FIFO queue of events (core/evtchn_fifo.c): two CPUs that send, one kernel that consumes as xen/event_channel.h says.
 * One step is one atomic access of the code.  Shown for SENDS sends of each sender to any of PORTS ports, in every
 * interleaving: what the kernel reaches is linked, nothing is left when nobody is told any more (no event is lost), and
 * nobody waits for ever.  Memory is sequentially consistent here; the code uses SEQ_CST accesses for these words.
 * Not modelled: priorities, masks, moves between vCPUs.
 * [utest->dsn~evtchn-fifo~1] */
#define PORTS 3
#define SENDS 2

bool pending[PORTS + 1];
bool linked[PORTS + 1];
byte link[PORTS + 1];
byte head, tail;
bool ready, upcall, irq, locked;
byte finished;

inline append(p)
{
    done = false;
    t = tail;
    if
    :: t != 0 && t != p ->
        atomic {
            if
            :: linked[t] -> link[t] = p; done = true
            :: else
            fi
        }
    :: else
    fi;
    tail = p;
    if
    :: !done ->
        head = p;
        atomic { old = ready; ready = true };
        if
        :: !old ->
            if
            :: !upcall -> upcall = true; told = true /* the interrupt follows, outside of the lock */
            :: else
            fi
        :: else
        fi
    :: else
    fi
}

inline send(p)
{
    told = false;
    atomic { !locked -> locked = true };
    atomic { mine = !linked[p]; pending[p] = true };
    if
    :: mine ->
        atomic {
            mine = !linked[p];
            if
            :: mine -> linked[p] = true; link[p] = 0
            :: else
            fi
        };
        if
        :: mine -> append(p)
        :: else
        fi
    :: else
    fi;
    locked = false;
    if
    :: told -> irq = true
    :: else
    fi
}

proctype sender()
{
    byte n, p, t;
    bool mine, done, old, told;

    do
    :: n < SENDS ->
        select(p : 1 .. PORTS);
        send(p);
        n++
    :: else -> break
    od;
    finished++
}

proctype consumer()
{
    byte next, port;
    bool todo;

    do
    :: irq ->
        irq = false;
        upcall = false;
        atomic { todo = ready; ready = false };
        do
        :: todo ->
            port = next;
            if
            :: port == 0 -> port = head
            :: else
            fi;
            atomic {
                assert(linked[port]); /* nothing is in the queue twice, or was in it before it was linked */
                next = link[port];
                linked[port] = false;
                link[port] = 0
            };
            if
            :: next == 0 -> todo = false
            :: else
            fi;
            pending[port] = false; /* and handles it */
            atomic { todo = todo || ready; ready = false }
        :: else -> break
        od
    :: finished == 2 && !irq ->
        for (port : 1 .. PORTS) {
            assert(!pending[port] && !linked[port])
        };
        break
    od
}

init
{
    atomic {
        run sender();
        run sender();
        run consumer()
    }
}
