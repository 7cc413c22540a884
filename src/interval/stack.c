// SPDX-License-Identifier: GPL-2.0
/* Distinct call stacks; their frames' names are kept once each. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <dmasync/stack.h>

#define SIZE_MIN 256
#define CAP_MIN 64

/* Every distinct name, by open addressing. */
struct name_table {
	char **slots;
	size_t size, n;
	size_t bytes; /* of the names */
};

static __u64 hash_bytes(__u64 h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len--)
		h = (h ^ *p++) * 0x100000001b3ULL;
	return h ^ h >> 29;
}

#define HASH_START 0xcbf29ce484222325ULL

static int grow_names(struct name_table *t)
{
	size_t size = t->size ? t->size * 2 : SIZE_MIN, i, at;
	char **slots;

	if ((t->n + 1) * 2 <= t->size)
		return 0;
	slots = calloc(size, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < t->size; i++) {
		if (!t->slots[i])
			continue;
		at = hash_bytes(HASH_START, t->slots[i], strlen(t->slots[i])) & (size - 1);
		while (slots[at])
			at = (at + 1) & (size - 1);
		slots[at] = t->slots[i];
	}
	free(t->slots);
	t->slots = slots;
	t->size = size;
	return 0;
}

/* Where the one copy of @name is, or would be; @t is not empty. */
static char **name_slot(const struct name_table *t, const char *name, size_t len)
{
	size_t i = hash_bytes(HASH_START, name, len) & (t->size - 1);

	while (t->slots[i] && (strncmp(t->slots[i], name, len) || t->slots[i][len]))
		i = (i + 1) & (t->size - 1);
	return &t->slots[i];
}

/* The one copy of @name, at most FRAME_NAME_LEN - 1 bytes of it; NULL: out of memory. */
static const char *intern(struct name_table *t, const char *name)
{
	size_t len = strnlen(name, FRAME_NAME_LEN - 1);
	char **slot;

	if (grow_names(t))
		return NULL;
	slot = name_slot(t, name, len);
	if (!*slot) {
		*slot = strndup(name, len);
		if (*slot) {
			t->n++;
			t->bytes += len + 1;
		}
	}
	return *slot;
}

/* Names are kept once each, so stacks are alike when their pointers are. */
static __u64 hash_stack(const char *const *frames, unsigned int n, unsigned int n_user)
{
	return hash_bytes(HASH_START + n_user, frames, n * sizeof(*frames));
}

static int grow_index(struct stack_table *t)
{
	size_t size = t->index_size ? t->index_size * 2 : SIZE_MIN, i, at;
	__u32 *index;

	if ((t->n + 1) * 2 <= t->index_size)
		return 0;
	index = calloc(size, sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (i = 0; i < t->n; i++) {
		const struct stack *s = &t->stacks[i];

		at = hash_stack(s->frames, s->n, s->n_user) & (size - 1);
		while (index[at])
			at = (at + 1) & (size - 1);
		index[at] = i + 1;
	}
	free(t->index);
	t->index = index;
	t->index_size = size;
	return 0;
}

static int grow(struct stack_table *t)
{
	size_t cap = t->cap ? t->cap * 2 : CAP_MIN;
	struct stack *stacks;

	if (!t->names)
		t->names = calloc(1, sizeof(*t->names));
	if (!t->names || grow_index(t))
		return -ENOMEM;
	if (t->n < t->cap)
		return 0;
	stacks = reallocarray(t->stacks, cap, sizeof(*stacks));
	if (!stacks)
		return -ENOMEM;
	t->stacks = stacks;
	t->cap = cap;
	return 0;
}

static int append(struct stack_table *t, const char *const *frames, unsigned int n,
		  unsigned int n_user)
{
	const char **copy = malloc(n * sizeof(*copy) + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, frames, n * sizeof(*copy));
	t->stacks[t->n++] = (struct stack){ .frames = copy, .n = n, .n_user = n_user };
	t->frames += n;
	return 0;
}

/* Where the position of the stack of the kept @names is, or would be; the index is not empty. */
static __u32 *stack_slot(const struct stack_table *t, const char *const *names, unsigned int n,
			 unsigned int n_user)
{
	size_t i = hash_stack(names, n, n_user) & (t->index_size - 1);

	for (; t->index[i]; i = (i + 1) & (t->index_size - 1)) {
		const struct stack *s = &t->stacks[t->index[i] - 1];

		if (s->n == n && s->n_user == n_user &&
		    !memcmp(s->frames, names, n * sizeof(*names)))
			break;
	}
	return &t->index[i];
}

int stack_table_find(const struct stack_table *t, const char *const *frames, unsigned int n,
		     unsigned int n_user, __u32 *number)
{
	const char *names[STACK_FRAMES_MAX];
	__u32 at;

	if (!t->n || n > STACK_FRAMES_MAX)
		return -ENOENT;
	for (unsigned int i = 0; i < n; i++) {
		if (!t->names->size)
			return -ENOENT;
		names[i] = *name_slot(t->names, frames[i], strnlen(frames[i], FRAME_NAME_LEN - 1));
		if (!names[i])
			return -ENOENT;
	}
	at = *stack_slot(t, names, n, n_user);
	if (!at)
		return -ENOENT;
	*number = at - 1;
	return 0;
}

int stack_table_add(struct stack_table *t, const char *const *frames, unsigned int n,
		    unsigned int n_user, __u32 *number)
{
	const char *names[STACK_FRAMES_MAX];
	__u32 *slot;

	if (n > STACK_FRAMES_MAX || n_user > n)
		return -E2BIG;
	if (grow(t))
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		names[i] = intern(t->names, frames[i]);
		if (!names[i])
			return -ENOMEM;
	}
	slot = stack_slot(t, names, n, n_user);
	if (!*slot) {
		if (append(t, names, n, n_user))
			return -ENOMEM;
		*slot = t->n;
	}
	*number = *slot - 1;
	return 0;
}

#define MALLOC_COST 16 /* of a block, on top of what was asked for */

size_t stack_table_bytes(const struct stack_table *t)
{
	size_t bytes = t->cap * sizeof(*t->stacks) + t->index_size * sizeof(*t->index) +
		       t->frames * sizeof(char *) + t->n * MALLOC_COST;

	if (t->names)
		bytes += t->names->size * sizeof(char *) + t->names->bytes +
			 t->names->n * MALLOC_COST;
	return bytes;
}

void stack_table_free(struct stack_table *t)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		free((void *)t->stacks[i].frames);
	for (i = 0; t->names && i < t->names->size; i++)
		free(t->names->slots[i]);
	if (t->names)
		free(t->names->slots);
	free(t->names);
	free(t->stacks);
	free(t->index);
	*t = (struct stack_table){};
}
