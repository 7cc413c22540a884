// SPDX-License-Identifier: GPL-2.0
/* dmasync_bench: drives the DMA API on devices of its own; commands and results are in debugfs. */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/dma-map-ops.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include "bench.h"

#define COMMAND_MAX 1024

static struct {
	struct mutex lock; /* of all below, but for busy */
	struct dentry *dir;
	struct platform_device *platform;
	struct device *pci;
	phys_addr_t pci_mmio;
	struct bench_run *run; /* the last one, or the one that goes on */
	struct task_struct *thread;
	wait_queue_head_t idle;
	bool busy; /* from the start of a run's thread to its end */
	char reason[256];
} bench = {
	.lock = __MUTEX_INITIALIZER(bench.lock),
	.idle = __WAIT_QUEUE_HEAD_INITIALIZER(bench.idle),
};

/* Called with the lock held. */
int bench_refuse(int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(bench.reason, sizeof(bench.reason), fmt, args);
	va_end(args);
	pr_debug("refused: %s\n", bench.reason);
	return err;
}

static void set_idle(void)
{
	WRITE_ONCE(bench.busy, false);
	wake_up_all(&bench.idle);
}

static int run_thread(void *data)
{
	struct bench_run *run = data;

	bench_run_execute(run);
	bench_stats_finish(run);
	bench_run_release(run);
	run->state = run->done_iterations == run->p.iterations ? "done" : "stopped";
	set_idle();
	return 0;
}

/* Ends a run that goes on; its result stays. Called with the lock held. */
static void stop_run(void)
{
	if (!bench.thread)
		return;
	/* A thread that is stopped before it ran never runs. */
	if (kthread_stop(bench.thread) == -EINTR) {
		bench_stats_free(bench.run);
		bench_run_release(bench.run);
		bench.run->state = "stopped";
		set_idle();
	}
	put_task_struct(bench.thread);
	bench.thread = NULL;
}

static void forget_run(void)
{
	stop_run();
	kfree(bench.run);
	bench.run = NULL;
}

static int find_device(struct bench_run *run)
{
	run->dev = run->p.pci ? bench.pci : &bench.platform->dev;
	if (!run->dev)
		return bench_refuse(-ENODEV, "device=pci: %s has none; set its driver_override",
				    KBUILD_MODNAME);
	run->mmio = run->p.pci ? bench.pci_mmio : 0;
	run->coherent = dev_is_dma_coherent(run->dev);
	strscpy(run->device_name, dev_name(run->dev), sizeof(run->device_name));
	return 0;
}

static int launch(struct bench_run *run)
{
	struct task_struct *thread = kthread_create(run_thread, run, KBUILD_MODNAME);

	if (IS_ERR(thread))
		return bench_refuse(PTR_ERR(thread), "cannot start a thread");
	kthread_bind(thread, run->p.cpu);
	get_task_struct(thread);
	run->state = "running";
	bench.run = run;
	bench.thread = thread;
	WRITE_ONCE(bench.busy, true);
	wake_up_process(thread);
	return 0;
}

static int start_run(char *text)
{
	struct bench_run *run;
	int err;

	if (READ_ONCE(bench.busy))
		return bench_refuse(-EBUSY, "a run goes on: read result to wait, or write stop");
	run = kzalloc(sizeof(*run), GFP_KERNEL);
	if (!run)
		return bench_refuse(-ENOMEM, "not enough memory");
	run->state = "refused";
	err = bench_parse(text, &run->p) ?: find_device(run);
	if (err)
		goto free;
	forget_run();
	err = bench_run_prepare(run) ?: launch(run);
	if (!err)
		return 0;
	bench_run_release(run);
	bench_stats_free(run);
free:
	kfree(run);
	return err;
}

static ssize_t run_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	char *text;
	int err;

	text = memdup_user_nul(from, min_t(size_t, len, COMMAND_MAX));
	if (IS_ERR(text))
		return PTR_ERR(text);
	err = mutex_lock_interruptible(&bench.lock);
	if (err)
		goto free;
	bench.reason[0] = '\0';
	if (len > COMMAND_MAX)
		err = bench_refuse(-EINVAL, "a command has at most %u characters", COMMAND_MAX);
	else if (sysfs_streq(text, "stop"))
		stop_run();
	else
		err = start_run(text);
	mutex_unlock(&bench.lock);
free:
	kfree(text);
	return err ?: len;
}

static int help_show(struct seq_file *m, void *unused)
{
	bench_help(m);
	return 0;
}

static int run_open(struct inode *inode, struct file *file)
{
	return single_open(file, help_show, NULL);
}

static const struct file_operations run_fops = {
	.owner = THIS_MODULE,
	.open = run_open,
	.read = seq_read,
	.write = run_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int result_show(struct seq_file *m, void *unused)
{
	int err = mutex_lock_interruptible(&bench.lock);

	if (err)
		return err;
	/* While it runs, the thread owns the figures. */
	if (bench.run && !READ_ONCE(bench.busy))
		bench_result_show(m, bench.run);
	else
		seq_printf(m, "{\"type\":\"run\",\"state\":\"%s\"}\n",
			   bench.run ? "running" : "none");
	mutex_unlock(&bench.lock);
	return 0;
}

/* Waits until no run goes on. */
static int result_open(struct inode *inode, struct file *file)
{
	if (wait_event_interruptible(bench.idle, !READ_ONCE(bench.busy)))
		return -ERESTARTSYS;
	return single_open(file, result_show, NULL);
}

static const struct file_operations result_fops = {
	.owner = THIS_MODULE,
	.open = result_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int error_show(struct seq_file *m, void *unused)
{
	int err = mutex_lock_interruptible(&bench.lock);

	if (err)
		return err;
	if (bench.reason[0])
		seq_printf(m, "%s\n", bench.reason);
	mutex_unlock(&bench.lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(error);

static int set_up_device(struct device *dev)
{
	dma_set_max_seg_size(dev, UINT_MAX);
	return dma_set_mask_and_coherent(dev, DMA_BIT_MASK(64));
}

static int platform_probe(struct platform_device *pdev)
{
	return set_up_device(&pdev->dev);
}

static struct platform_driver platform_driver = {
	.probe = platform_probe,
	.driver = {
		.name = KBUILD_MODNAME,
		.suppress_bind_attrs = true,
	},
};

/* The device is only an address for the DMA API: nothing of it is enabled or touched. */
static int pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err = set_up_device(&pdev->dev);

	if (err)
		return err;
	mutex_lock(&bench.lock);
	if (bench.pci)
		err = -EBUSY;
	else
		bench.pci = &pdev->dev;
	if (!err)
		bench.pci_mmio = pci_resource_flags(pdev, 0) & IORESOURCE_MEM
					 ? pci_resource_start(pdev, 0)
					 : 0;
	mutex_unlock(&bench.lock);
	return err;
}

static void pci_remove(struct pci_dev *pdev)
{
	mutex_lock(&bench.lock);
	if (bench.run && bench.run->dev == &pdev->dev)
		stop_run();
	bench.pci = NULL;
	mutex_unlock(&bench.lock);
}

/* QEMU's teaching device, which no driver wants; any other by driver_override. */
static const struct pci_device_id pci_ids[] = { { PCI_DEVICE(0x1234, 0x11e8) }, {} };

static struct pci_driver pci_driver = {
	.name = KBUILD_MODNAME,
	.id_table = pci_ids,
	.probe = pci_probe,
	.remove = pci_remove,
};

static int make_platform_device(void)
{
	int err = platform_driver_register(&platform_driver);

	if (err)
		return err;
	bench.platform =
		platform_device_register_simple(KBUILD_MODNAME, PLATFORM_DEVID_NONE, NULL, 0);
	if (!IS_ERR(bench.platform))
		return 0;
	platform_driver_unregister(&platform_driver);
	return PTR_ERR(bench.platform);
}

static int __init bench_init(void)
{
	int err = make_platform_device();

	if (err)
		return err;
	err = pci_register_driver(&pci_driver);
	if (err) {
		platform_device_unregister(bench.platform);
		platform_driver_unregister(&platform_driver);
		return err;
	}
	bench.dir = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("run", 0600, bench.dir, NULL, &run_fops);
	debugfs_create_file("result", 0400, bench.dir, NULL, &result_fops);
	debugfs_create_file("error", 0400, bench.dir, NULL, &error_fops);
	return 0;
}

/* No file is open any more; a run may go on. */
static void __exit bench_exit(void)
{
	debugfs_remove(bench.dir);
	mutex_lock(&bench.lock);
	forget_run();
	mutex_unlock(&bench.lock);
	pci_unregister_driver(&pci_driver);
	platform_device_unregister(bench.platform);
	platform_driver_unregister(&platform_driver);
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Drives the DMA API and times its calls");
MODULE_LICENSE("GPL");
