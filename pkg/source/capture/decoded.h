// decoded is the size of a decoded picture.
struct decoded {
	int width, height;
};

// decoded_newest returns the size of the picture that FFmpeg decoded last on the calling thread. It is zero before the first.
struct decoded decoded_newest(void);
