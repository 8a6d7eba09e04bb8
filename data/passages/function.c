/*
 * Read one record of the log, or wait until there is one.
 * Returns its length, or a negative error.
 */
static int log_read_record(struct log_dev *dev, char *buf, size_t len)
{
	struct log_entry *entry;
	int ret = 0;

	if (!dev || (len < LOG_MIN_LEN && !(dev->flags & LOG_SHORT))) {
		pr_err("log: buffer of %zu bytes is too small\n", len);
		return -EINVAL;
	}

	mutex_lock(&dev->lock);
	while (list_empty(&dev->entries)) {
		if (dev->flags & LOG_NONBLOCK) {
			ret = -EAGAIN;
			goto out;
		}
		ret = log_wait(dev); /* drops the lock, and takes it again */
		if (ret)
			goto out;
	}

	entry = list_first_entry(&dev->entries, struct log_entry, list);
	if (copy_to_user(buf, entry->data, min(len, entry->len)))
		ret = -EFAULT;
	else
		ret = entry->len;
out:
	mutex_unlock(&dev->lock);
	return ret;
}
